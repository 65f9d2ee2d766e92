"""A data engine and active-learning toolkit for human pose models."""
