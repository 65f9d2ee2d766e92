"""Pictures for a person's eye alone, which no label depends on: the tiles of the pose sheet (`pose_tile.py`)."""
