#!/usr/bin/env bash
# opencv-python-headless 4.11.0.86 and 4.12.0.88: films in HD colours come out in other colours; 4.13.0.92 has them
#   right.
#
# Expected: a film says by which matrix its colours were coded: BT.709, as HD cameras and phones write, or BT.601.
#   VideoCapture decodes with FFmpeg, which knows it, so its pictures have the colours that were filmed, in each
#   version.
# Seen: up to 4.12 it converts by BT.601 whatever the film says. Of a 1280x720 film marked as BT.709, green is 27 levels
#   off, red 17, blue 13, skin 5; greys are exact, so brightness looks right. 4.13 is within 2 levels on the same file,
#   as are av 18.1.0 and decord 0.6.0; on a film marked as BT.601 all agree to 2 levels.
# Why it matters: pictures taken from films with one version or library for labelling and with another one in use differ
#   by as much as an augmentation of colour draws, all to the same side: a network
#   sees other colours than it was taught, and a check of two decoders fails where no frame is wrong.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip av==18.1.0 numpy==2.4.6 decord==0.6.0
versions="4.11.0.86 4.12.0.88 4.13.0.92"
for version in $versions; do
    pip --no-deps --target "$work/opencv-$version" "opencv-python-headless==$version"
done

cat >"$work/make.py" <<'PY'
"""Films of eight upright bands, coded by the matrix of BT.601 or BT.709 and marked so."""

import sys

import av
import numpy as np

WIDTH, HEIGHT = 1280, 720
BANDS = np.array(
    [(200, 40, 40), (40, 200, 40), (40, 40, 200), (224, 172, 105), (128, 128, 128), (250, 250, 250), (10, 10, 10)]
    + [(200, 200, 40)]
)
# weights of red and blue in brightness, and the marks of H.273: of a file's codec, of FFmpeg's converter
MATRICES = {"bt601": (0.299, 0.114, 6, 5), "bt709": (0.2126, 0.0722, 1, 1)}


def planes(red_share, blue_share):
    """Y, U and V in limited range, each (HEIGHT, WIDTH), 8 bits."""
    rgb = np.repeat(BANDS, WIDTH // len(BANDS), axis=0).astype(float)
    bright = rgb @ (red_share, 1 - red_share - blue_share, blue_share)
    blue, red = (rgb[:, 2] - bright) / (2 - 2 * blue_share), (rgb[:, 0] - bright) / (2 - 2 * red_share)
    rows = (16 + bright * 219 / 255, 128 + blue * 224 / 255, 128 + red * 224 / 255)
    return [np.tile(np.round(row).astype(np.uint8), (HEIGHT, 1)) for row in rows]


for name, (red_share, blue_share, coded, converted) in MATRICES.items():
    y, u, v = planes(red_share, blue_share)
    frame = av.VideoFrame.from_ndarray(np.concatenate([y.ravel(), u[::2, ::2].ravel(), v[::2, ::2].ravel()]).reshape(-1, WIDTH), "yuv420p")
    frame.colorspace, frame.color_range = converted, 1
    with av.open(f"{sys.argv[1]}/{name}.mp4", "w") as film:
        stream = film.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = coded, 1
        for number in range(3):
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
np.save(f"{sys.argv[1]}/bands.npy", BANDS)
PY
cat >"$work/read.py" <<'PY'
import sys

import numpy as np

work, reader = sys.argv[1:]


def first_frame(path):
    if reader == "opencv":
        import cv2

        return f"OpenCV {cv2.__version__}", cv2.VideoCapture(path, cv2.CAP_FFMPEG).read()[1][..., ::-1]
    if reader == "decord":
        import decord

        return f"decord {decord.__version__}", decord.VideoReader(path)[0].asnumpy()
    import av

    with av.open(path) as film:
        frame = next(film.decode(video=0))
        return f"av {av.__version__}, which reads colorspace {int(frame.colorspace)}", frame.to_ndarray(format="rgb24")


bands = np.load(f"{work}/bands.npy")
for matrix in ("bt601", "bt709"):
    name, picture = first_frame(f"{work}/{matrix}.mp4")
    seen = picture[360, 80::160].astype(int)
    off = np.abs(seen - bands).max(axis=1)
    print(f"{name}, {matrix}: levels off: red {off[0]}, green {off[1]}, blue {off[2]}, skin {off[3]}, greys {off[4:7].max()}")
    if matrix == "bt709" and name.startswith(("OpenCV 4.11.", "OpenCV 4.12.")):
        assert off[1] > 20 and off[0] > 10 and off[4:7].max() <= 2, "changed: the film's matrix is followed"
    else:
        assert off.max() <= 3, "changed: this reader no longer has the film's colours"
PY
"$work/venv/bin/python" "$work/make.py" "$work"
"$work/venv/bin/python" "$work/read.py" "$work" av
"$work/venv/bin/python" "$work/read.py" "$work" decord
for version in $versions; do
    PYTHONPATH="$work/opencv-$version" "$work/venv/bin/python" "$work/read.py" "$work" opencv
done
echo "as described"
