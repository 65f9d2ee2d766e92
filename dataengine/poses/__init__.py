"""Poses as vectors, and frozen clusters of them.

`embedding.py` makes the vector, `clusters.py` looks people up in clusters that a file keeps. A new feature of the
embedding changes all distances, so clusters frozen before no longer fit and are refused.
"""
