"""The folder of a candidate in the shadow (`dataengine serve --shadow`): pictures of people whom two models see apart.

They go to the pool, unlabelled: models said what the lines hold, and nobody has judged it, so that is dropped.
A picture with another content than its line says is a bad record.
"""

from pathlib import Path
from typing import Any

from dataengine.files import sha256_file
from dataengine.serving.shadow.folder import read_disagreements

from .persons import Persons
from .pictures import Named, find_pictures
from .reading.content import BadRecord, Limits, SourceContent
from .reading.joints import COCO_MAP


def read_shadow(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read the pictures in `folder`, each once, in the order in which they were kept; `annotations` is not read.

    Raises:
        InputError: the folder is none of a shadow's.
    """
    hashes = {record.picture: record.picture_sha256 for record in read_disagreements(folder)}
    bad: list[Any] = []
    pictures = find_pictures([Named(name, name) for name in hashes], folder, limits, bad)
    whole = []
    for name, picture in pictures.items():
        if sha256_file(Path(picture.path)) == hashes[str(name)]:
            whole.append(picture)
        else:
            bad.append(BadRecord(str(name), "images", str(name), "the picture is not the one that was kept"))
    return Persons(COCO_MAP).content(whole, bad, len(hashes))
