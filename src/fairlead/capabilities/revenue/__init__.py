"""What engagements earn, cost and lose, month by month."""
