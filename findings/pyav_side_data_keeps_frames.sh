#!/usr/bin/env bash
# av 18.1.0: reading VideoFrame.side_data keeps every decoded frame in memory until a full garbage collection.
#
# Expected: a loop over container.decode() that looks at each frame and keeps none needs the memory of a few frames,
#   whatever it looks at, as long as it holds no reference.
# Seen: frame.side_data is made on first use, refers to its frame, and the frame to it. Reference counting cannot free
#   such a pair, so the pixels stay until the collector looks at the oldest generation, which it does rarely, since the
#   loop makes few Python objects. With 1080p frames the process grows by about a gigabyte; without side_data it does
#   not grow. Collecting the young generations after each frame makes it worse: the frame is still held by the loop
#   then, survives, and is moved to the oldest generation.
# Why it matters: the display matrix is only found there (frame.rotation knows no mirror), so code that shows films as
#   players do reads it of each frame. Read it once a film, and again only where the frame's size or rotation changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6

cat >"$work/measure.py" <<'PY'
import gc
import sys
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FRAMES = 1920, 1080, 400
path = str(Path(sys.argv[1]) / "film.mp4")
with av.open(path, "w") as film:
    stream = film.add_stream("mpeg4", rate=30)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    picture = av.VideoFrame.from_ndarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8), format="rgb24")
    for number in range(FRAMES):
        picture.pts = number
        film.mux(stream.encode(picture))
    film.mux(stream.encode(None))


def resident_mb():
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024


def growth_mb(look):
    gc.collect()
    with av.open(path) as film:
        before, most = None, 0.0
        for frame in film.decode(video=0):
            look(frame)
            before = before or resident_mb()
            most = max(most, resident_mb() - before)
    return most


plain = growth_mb(lambda frame: frame.rotation)
read = growth_mb(lambda frame: frame.side_data.get("DISPLAYMATRIX"))
print(f"{FRAMES} frames of {WIDTH}x{HEIGHT}: {plain:.0f} MB more with rotation, {read:.0f} MB more with side_data")
assert plain < 200, "frames are kept in any case now"
assert read > plain + 300, "side_data no longer keeps frames"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
