"""Videos: frames in display order and upright, where shots begin, which frames are worth keeping.

`decoding.py` reads (`display_matrix.py`: which way up), `shots.py` finds cuts, `sampling.py` chooses frames.
"""

from dataengine.video.decoding import FilmAccount, Frame, FrameAddress, iter_frames, video_hash

__all__ = ["FilmAccount", "Frame", "FrameAddress", "iter_frames", "video_hash"]
