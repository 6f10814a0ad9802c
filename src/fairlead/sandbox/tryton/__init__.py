"""A real Tryton 8.2 to rehearse against: no dialect of ours, but the vendor's own server.

`installing` puts it into a virtual environment of its own, `office` does what an administrator
and an accountant do there once, `database` keeps the result to copy from, `server` runs it,
and `sharing` lets several processes work in one folder.
"""
