"""How many images a second ingest takes in with all checks on: reading, checks, near duplicates, the report.

The peer does the least that anyone would, one image after another in one process: PIL opens and verifies, ImageHash
hashes. It finds no duplicates, checks no label and writes no report. Both read the 5,993 images of LSPET, warm from the
disk cache: the files are read once before.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dataengine.bench.record import Figure
from dataengine.errors import EnvironmentFault
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

from .. import check
from ..checks.params import ChecksParams

REAL_SET = Path("../shared/data/lspet")


def run() -> Iterator[Figure]:
    """``ingest.images_per_s``."""
    annotations, images = REAL_SET / "annotations.json", REAL_SET / "images"
    if not annotations.exists():
        say(f"ingest: skipped, there is no {annotations}: research images are not shipped with the repository")
        return
    paths = sorted(images.glob("*.jpg"))
    for path in paths:
        path.read_bytes()
    ours = len(paths) / seconds_of_all_checks(annotations, images, len(paths))
    yield Figure("ingest.images_per_s", ours, "images/s", len(paths) / seconds_of_plain_loop(paths))


def seconds_of_all_checks(annotations: Path, images: Path, expected: int) -> float:
    """From the annotation file to quality.html: what the command check does, and ingest before it copies."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        quality = check.run(ChecksParams(), annotations=[annotations], images=[images], out=Path(folder))
        seconds = time.perf_counter() - start
    if (passed := len(quality.checked.images)) < 0.99 * expected:
        raise EnvironmentFault("the benchmark's images are damaged", got=f"{passed} of {expected} pass")
    return seconds


def seconds_of_plain_loop(paths: list[Path]) -> float:
    """Open, verify and hash one image after another."""
    import imagehash
    from PIL import Image

    start = time.perf_counter()
    for path in track(paths, "plain loop", unit="image"):
        with Image.open(path) as image:
            image.verify()
        with Image.open(path) as image:  # verify() leaves the image unusable
            imagehash.phash(image)
    return time.perf_counter() - start
