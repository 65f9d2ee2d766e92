#!/usr/bin/env bash
# opencv-python-headless 4.11.0.86 and 4.13.0.92: in a film of variable frame rate, seeking to frame n reads another
#   frame.
#
# Expected: after set(CAP_PROP_POS_FRAMES, n), read() gives the frame that the n-th read() from the start gives, for
#   every n below CAP_PROP_FRAME_COUNT. Seeking is known to suffer from B-frames and open GOPs; in this film every
#   frame is a keyframe, and read in order all come out right.
# Seen: past the first few frames, numbers are turned into times by the AVERAGE rate. 20 frames at 30 per second, then
#   20 at 10 per second: asked for 15 it reads frame 15, for 25 frame 33, for 30 frame 39, and for 38 nothing although
#   40 are counted. Where a frame is read, CAP_PROP_POS_FRAMES agrees with the number asked for, so it does not show
#   the error.
# Why it matters: phones and webcams record at a variable rate in low light. Pose labels are kept by frame number; a
#   loader that seeks puts them on pictures taken up to most of a second earlier or later. Read in order, or seek by
#   time stamp and count.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip av==15.1.0 numpy==2.2.6 opencv-python-headless==4.11.0.86
pip --no-deps --target "$work/newer" opencv-python-headless==4.13.0.92

cat >"$work/make.py" <<'PY'
"""40 frames with their numbers in six bars: 20 a thirtieth of a second apart, then 20 a tenth apart."""

import sys
from fractions import Fraction

import av
import numpy as np


def picture(index):
    bars = [255 * (index >> bit & 1) for bit in range(6)]
    return np.tile(np.repeat(np.array(bars, np.uint8), 16)[None, :, None], (32, 1, 3))


tick = Fraction(1, 90)
times = [*range(0, 60, 3), *range(60, 60 + 20 * 9, 9)]
with av.open(sys.argv[1], "w") as film:
    stream = film.add_stream("mpeg4", rate=30)
    stream.width, stream.height, stream.pix_fmt = 96, 32, "yuv420p"
    stream.codec_context.time_base = stream.time_base = tick
    stream.codec_context.max_b_frames, stream.codec_context.gop_size = 0, 1
    for index, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
        frame.pts, frame.time_base = time, tick
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))
PY
cat >"$work/read.py" <<'PY'
import sys

import cv2


def number(frame):
    """Which frame this is, by its bars."""
    return sum(1 << bit for bit in range(6) if frame[16, 16 * bit + 8].mean() > 128)


film = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
count, rate = int(film.get(cv2.CAP_PROP_FRAME_COUNT)), film.get(cv2.CAP_PROP_FPS)
in_order = [number(film.read()[1]) for _ in range(count)]
print(
    f"OpenCV {cv2.__version__}: {count} frames, average rate {rate:.2f}; "
    f"in order, all are read: {in_order == list(range(40))}"
)
assert count == 40 and in_order == list(range(40)), "frames in order are not what was written"
got = {}
for wanted in (5, 15, 25, 30, 38):
    film = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
    film.set(cv2.CAP_PROP_POS_FRAMES, wanted)
    said = int(film.get(cv2.CAP_PROP_POS_FRAMES))
    read, frame = film.read()
    got[wanted] = number(frame) if read else None
    print(f"  sought {wanted}: position reads {said}, frame read is {got[wanted]}")
assert got[5] == 5, "seeking within the first part changed"
assert got[25] is not None and got[25] > 28 and got[38] is None, (
    "seeking by frame number is no longer by average rate"
)
PY
"$work/venv/bin/python" "$work/make.py" "$work/film.mp4"
"$work/venv/bin/python" "$work/read.py" "$work/film.mp4"
PYTHONPATH="$work/newer" "$work/venv/bin/python" "$work/read.py" "$work/film.mp4"
