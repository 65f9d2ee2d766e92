"""Studies of rendered people, one sub-package each: `levers/` (what about the renders is worth how much)."""
