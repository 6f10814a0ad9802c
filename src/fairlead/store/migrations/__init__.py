"""The history of the tables. Each file says why, and whether it is pre or post."""
