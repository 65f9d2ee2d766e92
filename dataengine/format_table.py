"""The formats that people's keypoints come in and go out in.

Adding a format: write a module with a function `read_x(annotations, folder, limits) -> SourceContent` (and, where the
format can hold enough to be worth it, `write_x(annotations, people, images, folder) -> Written`), then add one line to
`FORMATS`. COCO JSON with other joints needs only a `FormatLayout` (`formats/coco_like.py`); anything else gathers its
people with `Persons` and its images with `find_pictures`, which judge positions, sizes and paths alike for all. Say in
the module's docstring what a flag means, what is dropped on the way in and what is lost on the way out; add a sample to
`tests/formats/`.

Count what holds nothing to learn from with `Persons.pass_over`, and what a file does not say with `Persons.assume`.

What fails silently: a joint whose name `joints.spelled` does not know is dropped (and counted); a flag that means the
opposite; pixels that count from 1, or from the image's corner (`dataengine.geometry.pixel_grid`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.formats.aic import read_aic, write_aic
from dataengine.formats.coco import read_coco, read_wholebody, write_coco
from dataengine.formats.crowdpose import read_crowdpose, write_crowdpose
from dataengine.formats.lsp import lsp_names, read_lsp, write_lsp
from dataengine.formats.mpii import read_mpii, write_mpii
from dataengine.formats.ours import read_frames, read_ours, write_ours
from dataengine.formats.posetrack18 import read_posetrack18, write_posetrack18
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.shadow import read_shadow
from dataengine.formats.tools.cvat import read_cvat
from dataengine.formats.tools.cvat_writing import write_cvat
from dataengine.formats.tools.label_studio import read_label_studio
from dataengine.formats.tools.label_studio_writing import write_label_studio
from dataengine.formats.writing import Written
from dataengine.formats.yolo import read_yolo, write_yolo
from dataengine.people import Images, People

Reader = Callable[[Path, Path, Limits], SourceContent]
Writer = Callable[[Path, People, Images, Path], Written]


@dataclass(frozen=True)
class Format:
    """One format: how it is read, and written where it can be."""

    says: str
    """What `annotations` is, in a few words."""
    read: Reader
    write: Writer | None = None
    annotations: str = "annotations.json"
    """Name of the annotation file or folder that `write` is given."""
    image_names: Callable[[Images], list[str]] | None = None
    """Where the format prescribes what images are called."""
    unlabelled: bool = False
    """Holds images only: they go to the pool."""


FORMATS: dict[str, Format] = {
    "coco": Format("person_keypoints JSON", read_coco, write_coco),
    "wholebody": Format("COCO-WholeBody JSON, its 17 body joints", read_wholebody),
    "ochuman": Format("OCHuman in its COCO form", read_coco, write_coco),
    "crowdpose": Format("CrowdPose JSON", read_crowdpose, write_crowdpose),
    "aic": Format("AI Challenger JSON, the release's list or the COCO form", read_aic, write_aic),
    "posetrack18": Format("PoseTrack18 JSON, or a folder of them", read_posetrack18, write_posetrack18),
    "mpii": Format("the release's .mat, or the JSON of mmpose and HRNet", read_mpii, write_mpii),
    "lsp": Format("joints.mat of LSP or LSPET", read_lsp, write_lsp, "joints.mat", lsp_names),
    "yolo": Format("folder of YOLO-pose .txt files", read_yolo, write_yolo, "labels"),
    "cvat": Format("CVAT for images 1.1: annotations.xml, or the zip", read_cvat, write_cvat, "annotations.xml"),
    "label-studio": Format("Label Studio's JSON", read_label_studio, write_label_studio),
    "dataengine": Format("dataengine's own JSON: what render and ingest write", read_ours, write_ours),
    "frames": Format("nothing: images named <video>_<index>.jpg, unlabelled", read_frames, unlabelled=True),
    "shadow": Format("nothing: the folder of `dataengine serve --shadow`, unlabelled", read_shadow, unlabelled=True),
}


def format_named(name: str) -> Format:
    """The format of that name; an unknown one is an `InputError`."""
    if name not in FORMATS:
        raise InputError(f"format {name!r} is unknown", expected=" | ".join(FORMATS))
    return FORMATS[name]
