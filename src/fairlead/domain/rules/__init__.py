"""Pure rules, one capability a file: facts in, a decision with its words out."""
