"""Evaluation: OKS average precision, PCK, and bootstrap intervals of their differences."""
