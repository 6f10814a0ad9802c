"""Who may do what: roles, people, keys, and the secrets that systems are reached with."""
