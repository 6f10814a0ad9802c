"""Rows and repositories: the only room that speaks SQL."""
