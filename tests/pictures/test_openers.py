"""One reader of pictures: nobody else opens one with OpenCV or Pillow."""

import re
from pathlib import Path

OPENERS = re.compile(r"cv2\.im(read|decode)|\bImage\.open\(|\bsimplejpeg\.|\bimageio\b|\bplt\.imread")
PEERS = {  # what the benchmarks compare with
    "dataengine/bench/loader_peers.py",
    "datasets/bench/ingest.py",
}
CYCLES_OWN_FILE = "blender/cycles/observe.py"  # it holds the seconds of its rendering, too
ON_A_DEVICE = "train/edge/device/run.py"  # it goes to boards by itself, without this package


def test_nobody_else_opens_pictures(repository: Path) -> None:
    rooms = ("dataengine", "blender", "datasets", "active", "train")
    found = {path.resolve() for room in rooms for path in (repository / room).rglob("*.py")}
    openers = {str(path.relative_to(repository)) for path in found if OPENERS.search(path.read_text())}
    package = {name for name in openers if name.startswith("dataengine/pictures/")}
    assert package == {f"dataengine/pictures/reading/{name}.py" for name in ("header", "jpeg", "other_formats")}
    assert openers - package == PEERS | {CYCLES_OWN_FILE, ON_A_DEVICE}
