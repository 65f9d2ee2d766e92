"""People to learn from, rendered by the command `render`: those that are learnt, and those that validate."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from dataengine.coco_json import read_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path
from dataengine.params import load_values
from dataengine.people import Images, People
from dataengine.terminal.programs import exit_code

from .params import MakeStarterParams

PARAMS_NAME, FOLDER_NAME, LABELS_NAME = "render.yaml", "render", "people.json"
# what the starter's renders do not take from section `render`: it knows nobody's poses and has seen no photograph
OWN_KEYS = {
    "known_poses": "",
    "motions": [],
    "motion_share": 0.0,
    "hdris": [],
    "backgrounds": "",
    "background_share": 0.0,
}


@dataclass(frozen=True, eq=False)
class Rendered:
    """Rendered people by use."""

    learnt: People
    learnt_images: Images
    validated: People
    validated_images: Images


def render(params: MakeStarterParams, params_file: Path, work: Path, cache: Path) -> Path:
    """Render into `work`, going on where an earlier call was stopped; returns the labels' file.

    Raises:
        EnvironmentFault: the command failed; what it said stands above.
    """
    section = {**load_values(params_file, "render"), **OWN_KEYS, "images": params.images, "seed": params.seed}
    own_params, out = work / PARAMS_NAME, work / FOLDER_NAME
    with atomic_path(own_params) as partial:
        partial.write_text(yaml.safe_dump({"render": section}, sort_keys=False), encoding="utf-8")
    arguments = ["--params", str(own_params), "--out", str(out), "--cache", str(cache)]
    code = exit_code([sys.executable, "-m", "dataengine", "render", *arguments])
    if code:
        raise EnvironmentFault("the starter's people were not rendered", got=f"exit code {code}", fix="see above")
    return out / LABELS_NAME


def divided(labels: Path, val_images: int) -> Rendered:
    """The people of `labels` with a labelled joint, those of the last `val_images` images apart.

    Raises:
        InputError: one of both parts has nobody.
    """
    people, images = read_people(labels)
    people = people.take((people.visibility > 0).any(axis=1))
    is_last = np.zeros(len(images), dtype=bool)
    is_last[np.argsort(images.id, kind="stable")[-val_images:]] = True
    validates = is_last[images.rows_of(people.image_id)]
    if validates.all() or not validates.any():
        raise InputError(f"{labels} has too few people to learn from and to validate on", fix="render more images")
    return Rendered(people.take(~validates), images.take(~is_last), people.take(validates), images.take(is_last))
