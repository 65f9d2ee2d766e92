"""Images that only people look at and no label depends on: the tiles of the pose sheet, in `pose_tile.py`.

Adding a preview: a maker for workers here, and the command that lays out its tiles in the room's root.
"""
