"""The wiring of the rooms, a piece each; `bootstrap` puts them together."""
