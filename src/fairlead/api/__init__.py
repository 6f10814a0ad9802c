"""The HTTP edge: parse, permit, call, answer. No rule of the business is decided here."""
