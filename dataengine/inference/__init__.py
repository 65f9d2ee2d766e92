"""Prediction: keypoint networks run on people, whatever executes them."""
