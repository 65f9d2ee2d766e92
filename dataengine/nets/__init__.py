"""Keypoint networks: the table that builds them, the SimCC code they speak, the checkpoint they live in."""
