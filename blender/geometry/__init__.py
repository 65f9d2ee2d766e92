"""Meshes and rotations as plain arrays, for every other sub-package of the room.

`mesh.py` holds quads with textured surfaces, `rotations.py` rotation matrices. Adding an operation: a plain function
over arrays that states its frame and units; what other rooms need too belongs in `dataengine.geometry`.
"""
