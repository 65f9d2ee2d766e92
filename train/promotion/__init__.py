"""What becomes of a verdict: whether its evidence bears it, before `promote` carries it out."""
