#!/usr/bin/env bash
# decord 0.6.0: in a trimmed film, number 12 is one frame when read in order and another one when asked for alone.
#
# Expected: a film cut without being coded again holds more frames than it shows, and its edit list says which (ISO/IEC
#   14496-12, 8.6.6). Of 40 frames at 10 per second, shown from 1.5 s for 2 s, a reader counts twenty and number 0 is
#   frame 15, however one asks. av 18.1.0 has it so.
# Seen: decord counts 30. Read in order it gives the twenty, and then the last one ten times more. Asked for one number
#   alone, the first ten are right and the others are early by five frames, as many as lie between the keyframe before
#   the cut and the cut: number 12 is frame 22 instead of 27. The same reader gives the one or the other, depending on
#   what was read before. opencv-python-headless 4.11.0.86 reads the twenty, though it counts 40, and finds them by
#   number. Without the cut, or with a cut at a keyframe, numbers of what is shown agree.
# Why it matters: decord is chosen to fetch single frames by number for training, and labels are made in a player that
#   goes through them in order. Joints lie half a second off, in films trimmed on a phone alone, and in none of their
#   first frames, where one looks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    decord==0.6.0 av==18.1.0 opencv-python-headless==4.11.0.86 numpy==2.4.6

cat >"$work/measure.py" <<'PY'
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

FRAMES, RATE, KEYFRAMES_EVERY = 40, 10, 10
work = Path(sys.argv[1])


def number(picture):
    """Which frame of the uncut film a picture is: its grey says so."""
    return round((float(picture[32, 32].mean()) - 20) / 5)


def make(path, start_s, length_s):
    """A film of grey frames, each brighter than the one before, of which an edit list shows a part."""
    import av

    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=RATE, options={"crf": "10", "bf": "0", "g": str(KEYFRAMES_EVERY)})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for at in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 + 5 * at, np.uint8), format="rgb24")
            frame.pts = at
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    ticks = {box: struct.unpack_from(">I", data, data.index(box) + 16)[0] for box in (b"mvhd", b"mdhd")}
    # version 0 and one entry: how long in the film's ticks, from where in the track's
    assert struct.unpack_from(">II", data, data.index(b"elst") + 4) == (0, 1)
    shown = (round(length_s * ticks[b"mvhd"]), round(start_s * ticks[b"mdhd"]))
    struct.pack_into(">Ii", data, data.index(b"elst") + 12, *shown)
    path.write_bytes(data)


def read_by_av(path):
    import av

    with av.open(path) as film:
        found = [number(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
    print(*found)


def read_by_opencv(path):
    import cv2

    film, found = cv2.VideoCapture(path, cv2.CAP_FFMPEG), []
    counted = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
    while (got := film.read())[0]:
        found.append(number(got[1]))
    film.set(cv2.CAP_PROP_POS_FRAMES, 12)
    print(counted, number(film.read()[1]), *found)


def read_by_decord(path):
    import decord

    reader = decord.VideoReader(path)
    in_order = [number(reader[at].asnumpy()) for at in range(len(reader))]
    alone = [number(decord.VideoReader(path)[at].asnumpy()) for at in range(len(reader))]
    print(*in_order, *alone)


def numbers(library, path):
    """What a process that has this library alone read: two builds of FFmpeg in one process would mix."""
    run = [sys.executable, __file__, str(work), library, str(path)]
    return [int(word) for word in subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()]


if len(sys.argv) > 2:
    {"av": read_by_av, "opencv": read_by_opencv, "decord": read_by_decord}[sys.argv[2]](sys.argv[3])
    sys.exit()
print("the frames of the uncut film, in the order that each reader gives them")
for start_s, length_s in ((0, 4), (1, 2), (1.5, 2)):
    path = work / f"from_{start_s}.mp4"
    make(path, start_s, length_s)
    wanted = list(range(round(start_s * RATE), round((start_s + length_s) * RATE)))
    by_av, (counted, twelfth, *by_opencv), by_decord = (numbers(name, path) for name in ("av", "opencv", "decord"))
    in_order, alone = by_decord[: len(by_decord) // 2], by_decord[len(by_decord) // 2 :]
    print(f"shown from {start_s} s for {length_s} s: av {len(by_av)} frames, {by_av[0]} to {by_av[-1]}; number 12 is {by_av[12]}")
    print(f"  OpenCV counts {counted}, reads {len(by_opencv)}, {by_opencv[0]} to {by_opencv[-1]}; number 12 is {twelfth}")
    print(f"  decord counts {len(in_order)}, in order {in_order}")
    print(f"  each alone {alone}")
    assert by_av == by_opencv == wanted and counted == FRAMES and twelfth == wanted[12], "changed: av or OpenCV"
    assert in_order[: len(wanted)] == wanted, "changed: in order, decord gives other frames"
    late = [at for at in range(len(wanted)) if alone[at] != wanted[at]]
    if start_s != 1.5:
        assert not late, "changed: a cut at a keyframe matters"
    else:
        assert len(in_order) == 30 and alone[12] == 22 and in_order[12] == 27, "changed: decord follows the edit list"
        assert late == list(range(10, 20)), "changed: others are late"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
