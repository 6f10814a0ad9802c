"""One module a page. `routes()` says what it answers; `web/app.py` lists them."""
