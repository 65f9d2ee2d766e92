"""Making the starter: people to learn from, the weights that ship, and the card that says what they score."""
