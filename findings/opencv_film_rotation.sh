#!/usr/bin/env bash
# opencv-python-headless 4.11.0.86: films held upright are read lying on their side; 4.10 and 4.12 turn them.
#
# Expected: VideoCapture turns frames as the film's display matrix says, as it has for years
#   (CAP_PROP_ORIENTATION_AUTO is on unless switched off), and a minor release does not change which way up a film is.
# Seen: 4.10.0.84, 4.12.0.88 and 4.13.0.92 give a 64x32 film with a quarter turn as 32x64 frames. 4.11.0.86 gives
#   64x32 frames: CAP_PROP_ORIENTATION_AUTO reads 0 after opening, though CAP_PROP_ORIENTATION_META still knows the
#   angle. Set to 1 by hand it turns them.
# Why it matters: phones store nearly every upright film this way. People lying on their side are what pose networks
#   are worst at, labels drawn in one version do not fit frames decoded in another, and nothing fails. Set
#   CAP_PROP_ORIENTATION_AUTO explicitly, whichever way is meant.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip av==15.1.0 numpy==2.2.6
versions="4.10.0.84 4.11.0.86 4.12.0.88 4.13.0.92"
for version in $versions; do
    pip --no-deps --target "$work/opencv-$version" "opencv-python-headless==$version"
done

cat >"$work/make.py" <<'PY'
"""A film of 64x32 px, its upper left quarter white, to be shown turned clockwise by a quarter."""

import struct
import sys
from pathlib import Path

import av
import numpy as np

path = Path(sys.argv[1])
picture = np.zeros((32, 64, 3), np.uint8)
picture[:16, :32] = 255
with av.open(str(path), "w") as film:
    stream = film.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
    for _ in range(5):
        film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    film.mux(stream.encode(None))
# ISO/IEC 14496-12, 8.3.2: the track header's matrix {a b u, c d v, x y w}, 16.16 fixed point (u, v, w: 2.30);
# a point (p, q) is shown at (a p + c q + x, b p + d q + y).
one = 1 << 16
identity = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
quarter_turn = struct.pack(">9i", 0, one, 0, -one, 0, 0, 32 * one, 0, 1 << 30)
data = path.read_bytes()
at = data.index(identity, data.index(b"tkhd"))
path.write_bytes(data[:at] + quarter_turn + data[at + 36 :])
PY
cat >"$work/read.py" <<'PY'
import sys

import cv2


def size(picture):
    return f"{picture.shape[1]}x{picture.shape[0]}"


film = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
turns, angle = film.get(cv2.CAP_PROP_ORIENTATION_AUTO), film.get(cv2.CAP_PROP_ORIENTATION_META)
frame = film.read()[1]
forced = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
forced.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
asked = forced.read()[1]
print(
    f"OpenCV {cv2.__version__}: ORIENTATION_AUTO {turns:.0f}, angle {angle:.0f}, frames {size(frame)}; "
    f"asked to turn: {size(asked)}"
)
upright = not cv2.__version__.startswith("4.11.")
assert size(frame) == ("32x64" if upright else "64x32") and turns == upright, (
    "this version turns films differently now"
)
assert angle == 90 and size(asked) == "32x64" and asked[16, 24].min() > 200 > 50 > asked[16, 8].max(), (
    "asked to turn, it does not"
)
PY
"$work/venv/bin/python" "$work/make.py" "$work/upright.mp4"
for version in $versions; do
    PYTHONPATH="$work/opencv-$version" "$work/venv/bin/python" "$work/read.py" "$work/upright.mp4"
done
