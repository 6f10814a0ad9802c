"""The firm's language: entities and rules. Pure: no I/O, no clock, nothing that can wait."""
