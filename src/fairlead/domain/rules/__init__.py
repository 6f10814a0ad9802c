"""Pure rules: facts in, a decision with its words out."""
