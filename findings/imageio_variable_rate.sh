#!/usr/bin/env bash
# imageio 2.38.1, imageio-ffmpeg 0.8.1: in a film of variable frame rate the FFMPEG plugin invents frames, and the pyav
#   plugin's `index` counts another way than its own iteration.
#
# Expected: iterating over a film gives the frames that are in the file, each once, in order; frame n is the n-th of them
#   whether it is read in order or asked for, and in either plugin. What shape[0] says is how many there are.
# Seen: a film of 40 frames, 20 at 30 per second and 20 at 10 per second, as a phone writes it when the light goes: the
#   FFMPEG plugin (also imageio.v2's get_reader and mimread) gives about 80 frames, each of the slow ones two to four times,
#   since its ffmpeg fills a constant rate; count_frames() says 40. The pyav plugin iterates over the 40, but
#   imread(index=n) turns n into a time by the average or guessed rate: frames 12 and up are one off, and from 32 on
#   it goes back to earlier ones. In a film of constant rate all four agree.
# Why it matters: labels, tracks and splits refer to frames by number. Pictures drawn by one reader and labels shown by
#   another lie seconds apart, copies of one frame fall into training and test set, and nothing says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 pillow==11.3.0 av==18.1.0 imageio==2.38.1 imageio-ffmpeg==0.8.1

cat >"$work/measure.py" <<'PY'
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import av
import imageio
import imageio.v3 as iio
import numpy as np

warnings.simplefilter("ignore")
FRAMES = 40
EVEN = [33 * n for n in range(FRAMES)]
SLOWER = [33 * n if n < 20 else 660 + 100 * (n - 20) for n in range(FRAMES)]
MS = Fraction(1, 1000)


def write(path, times_ms):
    """A film without B-frames whose frame n is grey of 20 + 4 n, shown from times_ms[n] on."""
    with av.open(path, "w") as film:
        stream = film.add_stream("libx264", rate=30, options={"bf": "0", "g": "12", "crf": "10"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = MS
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 + 4 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time_ms, MS
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def number(picture):
    return round((float(np.asarray(picture).mean()) - 20) / 4)


for name, times_ms in (("even", EVEN), ("slower", SLOWER)):
    path = str(Path(sys.argv[1]) / f"{name}.mp4")
    write(path, times_ms)
    with av.open(path) as film:
        there = [number(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    assert there == list(range(FRAMES)), "the film does not hold what was written"
    reader = imageio.get_reader(path, "ffmpeg")
    seen = {
        "FFMPEG, in order": [number(one) for one in iio.imiter(path, plugin="FFMPEG")],
        "FFMPEG, get_data(n)": [number(reader.get_data(n)) for n in range(FRAMES)],
        "pyav, in order": [number(one) for one in iio.imiter(path, plugin="pyav")],
        "pyav, index=n": [number(iio.imread(path, plugin="pyav", index=n)) for n in range(FRAMES)],
    }
    says = (reader.count_frames(), iio.improps(path, plugin="pyav").shape[0])
    print(f"imageio {imageio.__version__}, {name}: {FRAMES} frames, count_frames() {says[0]}, pyav's shape {says[1]}")
    for how, numbers in seen.items():
        print(f"  {how}: {len(numbers)} frames, {'as in the file' if numbers == there else numbers}")
    assert seen["pyav, in order"] == there, "changed: pyav's order"
    if name == "even":
        assert all(numbers == there for numbers in seen.values()), "changed: a constant rate is not read right"
    else:
        assert len(seen["FFMPEG, in order"]) > 70 and says[0] == FRAMES, "changed: FFMPEG does not invent frames"
        assert seen["FFMPEG, get_data(n)"] != there, "changed: FFMPEG's frame n is the film's"
        assert seen["pyav, index=n"] != there, "changed: pyav's index is the film's"
        assert seen["pyav, index=n"][-1] < FRAMES - 1, "changed: pyav's last index is the last frame"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
