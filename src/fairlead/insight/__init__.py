"""What the event log says: exports and figures."""
