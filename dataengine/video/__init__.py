"""Videos: frames in display order and upright, where shots begin, which frames are worth keeping.

`decoding.py` reads, `shots.py` finds cuts, `sampling.py` chooses frames.
"""

from dataengine.video.decoding import Frame, FrameAddress, iter_frames, video_hash

__all__ = ["Frame", "FrameAddress", "iter_frames", "video_hash"]
