#!/usr/bin/env bash
# opencv-python-headless 4.13.0.92 and av 15.1.0: a mirrored film is read as one turned upside down.
#
# Expected: a reader that follows the display matrix shows a film whose matrix mirrors left and right as its mirror
#   image, or, if it knows rotations only, leaves it alone.
# Seen: both reduce the matrix to an angle and lose its determinant. The mirror (a = -1, d = 1) becomes a half turn:
#   OpenCV's CAP_PROP_ORIENTATION_META reads 180 and its frames stand on their head; PyAV's frame.rotation reads -180.
#   A film that really is turned by a half gives the very same numbers, so neither attribute tells the two apart.
# Why it matters: a recorder can mark a front-camera film as mirrored this way instead of encoding it again. Read so,
#   people stand on their head, and since a half turn keeps left and right apart where a mirror swaps them, joints
#   labelled in a player that follows the matrix come back with left and right exchanged. Only the matrix itself (side
#   data DISPLAYMATRIX in PyAV) says which it is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    av==15.1.0 numpy==2.2.6 opencv-python-headless==4.13.0.92

cat >"$work/measure.py" <<'PY'
import struct
import sys
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, ONE = 64, 32, 1 << 16
# ISO/IEC 14496-12, 8.3.2: a point (p, q) is shown at (a p + c q + x, b p + d q + y).
MATRICES = {
    "mirrored": (-ONE, 0, 0, 0, ONE, 0, WIDTH * ONE, 0, 1 << 30),
    "half turn": (-ONE, 0, 0, 0, -ONE, 0, WIDTH * ONE, HEIGHT * ONE, 1 << 30),
}
picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
picture[: HEIGHT // 2, : WIDTH // 2] = 255


def make(path, matrix):
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(5):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    data = path.read_bytes()
    at = data.index(struct.pack(">9i", ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), data.index(b"tkhd"))
    path.write_bytes(data[:at] + struct.pack(">9i", *matrix) + data[at + 36 :])


def white_corner(frame):
    rows, columns = np.nonzero(frame[..., 0] > 128)
    return ("upper" if rows.mean() < HEIGHT / 2 else "lower") + (" left" if columns.mean() < WIDTH / 2 else " right")


MEANT = {"mirrored": white_corner(picture[:, ::-1]), "half turn": white_corner(picture[::-1, ::-1])}
seen = {}
for name, matrix in MATRICES.items():
    path = Path(sys.argv[1]) / f"{name}.mp4"
    make(path, matrix)
    reader = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    angle, corner = reader.get(cv2.CAP_PROP_ORIENTATION_META), white_corner(reader.read()[1])
    with av.open(str(path)) as film:
        rotation = next(film.decode(video=0)).rotation
    print(
        f"{name}: white corner meant {MEANT[name]}; OpenCV {cv2.__version__} shows {corner}, angle {angle:.0f}; "
        f"PyAV {av.__version__} rotation {rotation}"
    )
    seen[name] = corner, angle, rotation
assert seen["half turn"] == (MEANT["half turn"], 180, -180), "a half turn is read differently now"
assert seen["mirrored"] == seen["half turn"] and seen["mirrored"][0] != MEANT["mirrored"], (
    "mirrored films are told apart now"
)
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
