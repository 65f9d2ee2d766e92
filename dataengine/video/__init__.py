"""Videos: frames in display order and upright, where shots begin, which frames are worth keeping.

`timetable.py` finds the film in a file and numbers its frames, `decoding.py` reads them, `orientation.py` turns them,
`shots.py` finds cuts, `sampling.py` chooses frames.
"""

from dataengine.video.decoding import Frame, FrameAddress, iter_frames, video_hash

__all__ = ["Frame", "FrameAddress", "iter_frames", "video_hash"]
