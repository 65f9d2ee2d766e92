"""Poses as vectors, clusters of them, and how far a pose is from those that the training people show.

`embedding.py` makes the vector, `clusters.py` looks people up in clusters that a file keeps, `known_poses.py` measures
rarity by distance, `training_poses.py` asks both at once. A new feature of the embedding changes all distances, so
clusters frozen before no longer fit and are refused.
"""
