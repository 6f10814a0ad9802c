"""From delivered work to its acceptance: evidence, submission, and who says yes (F078 to F080)."""
