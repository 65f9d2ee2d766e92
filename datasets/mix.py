"""Stage `mix`: the training index. Real and synthetic people in one file, and the recipe of an epoch's draw.

Nothing is copied or repeated here: repeat factors and the ratio take effect when `draw_epoch` draws.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.labelled_set import joined
from dataengine.labels.joint_weights import JOINT_WEIGHT, joint_weights
from dataengine.labels.label_file import LabelFile, read_label_file
from dataengine.labels.label_store import without_superseded
from dataengine.leakage.leaks import refuse_held_out
from dataengine.mixing import MixRecipe, draw_epoch, write_recipe
from dataengine.params import load_section, require_seed
from dataengine.people import Images, People, Source
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile
from dataengine.terminal.speech import say

from .long_tail.balance_file import Balance, read_balance

SECTION = "mix"
MASK = "segmentation"
PEOPLE_NAME, RECIPE_NAME, METRICS_NAME = "train.json", "recipe.json", "metrics.json"


@dataclass(frozen=True, kw_only=True)
class MixParams:
    """Section `mix` of params.yaml. Pseudo-labels join later: their ratio belongs to fit-student."""

    synthetic_per_real: float
    """Synthetic people drawn per real person drawn, as a decimal of any length: 0.3333333333 is 1 : 3.

    1 : 3 is a place to start; no study is known that shows it to be best. `dataengine sweep-mix` measures which ratio
    is best on your data.
    """
    seed: int
    """Seed of every epoch's draw."""
    only: Source | None = None
    """The one source that fits draw, whatever the ratio: for pre-training on rendered people. Null draws all."""
    labels: list[str] = field(default_factory=list)
    """Files that `dataengine label-import` wrote: newly labelled people, added to the training set as real ones. Of
    several about one picture the latest counts."""
    synthetic_images: int | None = None
    """Use this many rendered images, the first in the order of rendering: fewer are part of more. Null: all."""

    def __post_init__(self) -> None:
        if self.synthetic_images is not None and self.synthetic_images < 1:
            got = str(self.synthetic_images)
            raise ParamsError("synthetic_images", expected="null, or 1 or more", got=got)
        require_seed(self)
        self.recipe()

    def recipe(self) -> MixRecipe:
        """The recipe for training without pseudo-labels. A ratio that makes no sense is a `ParamsError`."""
        return MixRecipe(self.synthetic_per_real, 0.0, self.seed, self.only)


def command(
    real: Annotated[Path, typer.Option(help="COCO JSON of the real training people.")],
    synthetic: Annotated[Path, typer.Option(help="COCO JSON of the rendered people.")],
    balance: Annotated[Path, folder_option(help="Folder that balance wrote about the same real people.")],
    out: Annotated[
        Path, replaced_folder_option(holds={PEOPLE_NAME, RECIPE_NAME}, help="Folder for train.json and recipe.json.")
    ],
    report: Annotated[Path, replaced_folder_option(holds={METRICS_NAME}, help="Folder for metrics.json.")],
    requested: Annotated[
        Path | None, folder_option(help="Folder of renders that requests asked for; there is none without requests.")
    ] = None,
    held_out: HeldOut = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write the training index: real and synthetic people, rare poses repeated, at an exact ratio.

    Needs what ingest, render and balance wrote. OUT/train.json lists every person once, with a repeat factor, a pose
    cluster, how rare the pose is and whether it is novel; OUT/recipe.json says how an epoch is drawn. Labels that came
    back by `dataengine label-import` join where mix.labels names their files, with the images in which people saw
    nobody; each picture is compared with the one that was labelled, and of several files about it the latest counts.
    With --held-out, a picture of validation or test in any of them is refused.

    What render made of requests is under --requested and joins the synthetic people, so that an epoch draws as many
    synthetic people as before, of more kinds; mix.synthetic_images does not count them.

    mix.synthetic_per_real is the ratio. The default of 1 : 3 is a place to start, not a finding: `dataengine sweep-mix`
    measures which ratio is best on your data.

    Example: dataengine mix --real data/ingest/train.json --synthetic data/render/people.json --requested data/render/requested --balance data/balance --held-out data/ingest/held_out.json --out data/mix --report reports/mix
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, SECTION, MixParams)
    files = {"real": real, "synthetic": synthetic, "balance": balance}
    run(section, **files, out=out, report=report, held_out=held_out, requested=requested)


def run(
    params: MixParams,
    *,
    real: Path,
    synthetic: Path,
    balance: Path,
    out: Path,
    report: Path,
    held_out: Path | None = None,
    requested: Path | None = None,
) -> dict[str, Any]:
    """Join, write, and return the metrics.

    Raises:
        InputError: `balance` was made from other people, a file holds people of the wrong source, there are none
            to draw from, fewer rendered images than asked for, a labelled picture is missing or another one, or a
            picture is one that `held_out` names.
        ParamsError: the ratio is negative or not finite.
    """
    recipe = params.recipe()
    balanced = read_balance(balance)
    files = [read_label_file(Path(path)) for path in dict.fromkeys(params.labels)]
    counting = without_superseded(files)
    labelled = [_labelled(file, balanced.poses) for file in counting]
    rendered = {str(synthetic): _rendered(synthetic, balanced.poses, params.synthetic_images)}
    if requested is not None and (asked_for := requested / synthetic.name).exists():
        rendered[str(asked_for)] = _rendered(asked_for, balanced.poses, None)
    parts = [
        _with_people(*_balanced(real, balanced, balance)),
        *labelled,
        *(_with_people(*r) for r in rendered.values()),
    ]
    for (shown, pictures), name in zip(parts, [str(real), *(str(f.path) for f in counting), *rendered], strict=True):
        of_renderer = np.isin(pictures.id, shown.image_id[shown.source == "synthetic"])
        refuse_held_out(held_out, pictures, name, rendered=of_renderer)
    people, images = joined(parts)
    empty = int((~np.isin(images.id, people.image_id)).sum())
    superseded = sum(len(file.images) for file in files) - sum(len(file.images) for file in counting)
    metrics = {**mix_metrics(people, recipe), "images_without_anybody": empty, "images_labelled_again": superseded}
    info = {"stage": "mix", "params": asdict(params)}
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        write_people(out_folder / PEOPLE_NAME, people, images, info=info)
        write_recipe(out_folder / RECIPE_NAME, recipe)
        write_json(report_folder / METRICS_NAME, metrics)
    say(
        f"mix: an epoch draws {metrics['drawn_real']} real and {metrics['drawn_synthetic']} synthetic people,"
        f" from {out / PEOPLE_NAME}"
    )
    return metrics


def mix_metrics(people: People, recipe: MixRecipe) -> dict[str, Any]:
    """What the first epoch is made of; later ones draw other people, but as many.

    How rare the real people are counts who is drawn, how rare the synthetic ones all there are: in time each is drawn
    as often as any other. People without a pose do not count.
    """
    factor = people.extras["repeat_factor"].astype(np.float64)
    drawn_rows = draw_epoch(people.source, factor, recipe, epoch=0)
    real, synthetic = ((people.source[drawn_rows] == source).sum().item() for source in ("real", "synthetic"))
    repeated = (factor[drawn_rows] > 1).sum()
    has_pose = people.extras["cluster"].astype(np.int64) != UNCLUSTERED
    drawn_real = drawn_rows[has_pose[drawn_rows] & (people.source[drawn_rows] == "real")]
    all_synthetic = np.flatnonzero(has_pose & (people.source == "synthetic"))
    return {
        "real": int((people.source == "real").sum()),
        "synthetic": int((people.source == "synthetic").sum()),
        "drawn_real": real,
        "drawn_synthetic": synthetic,
        "synthetic_per_real": round(synthetic / real, 6) if real else 0.0,
        "rare_share_of_real": round(float(repeated / real), 4) if real else 0.0,
        "rarity_of_real": _mean(people, "rarity", drawn_real),
        "rarity_of_synthetic": _mean(people, "rarity", all_synthetic),
        "novel_share_of_synthetic": _mean(people, "novel", all_synthetic),
        "different_people_drawn": len(np.unique(drawn_rows)),
    }


def _mean(people: People, column: str, rows: NDArray[np.int64]) -> float:
    return round(float(people.extras[column].astype(np.float64)[rows].mean()), 4) if len(rows) else 0.0


def _balanced(real: Path, balance: Balance, folder: Path) -> tuple[People, Images]:
    """The real people with what balance decided about them. None is novel: training shows them."""
    people, images = _read(real, "real")
    balance.check_made_from(sha256_file(real), people, folder)
    nobody = np.zeros(len(people), np.bool_)
    return _with_columns(people, balance.cluster, balance.repeat_factor, balance.rarity, nobody), images


def _labelled(file: LabelFile, poses: TrainingPoses) -> tuple[People, Images]:
    """People from `label-import`: in the cluster whose centre is nearest, repeated as often as its members.

    Images without people stay: a person confirmed that they show nobody, so select does not ask for them again.
    """
    file.check_pictures()
    return _looked_up(_usable(file.people, file.path, "real"), poses), file.images


def _rendered(synthetic: Path, poses: TrainingPoses, limit: int | None) -> tuple[People, Images]:
    """The synthetic people of the first `limit` images, never repeated: their number follows from the ratio."""
    people, images = _first(*_read(synthetic, "synthetic"), limit, synthetic)
    return _looked_up(people, poses).with_extra("repeat_factor", np.ones(len(people))), images


def _first(people: People, images: Images, limit: int | None, where: Path) -> tuple[People, Images]:
    """The images of the lowest ids, which follow the order of rendering, and their people."""
    if limit is None:
        return people, images
    if limit > len(images):
        fix = "render more, or lower mix.synthetic_images"
        raise InputError(f"{where} has too few images", expected=f"{limit} or more", got=f"{len(images)}", fix=fix)
    first_images = images.take(np.sort(np.argsort(images.id)[:limit]))
    return people.take(np.isin(people.image_id, first_images.id)), first_images


def _looked_up(people: People, poses: TrainingPoses) -> People:
    """People who are not among those that balance saw, with the same columns."""
    stand = poses.look_up(people.keypoints_px, people.visibility)
    repeats = poses.clusters.repeats(stand.cluster)
    marked = _with_columns(people, stand.cluster, repeats, stand.rarity, stand.novel)
    most = float(poses.clusters.repeat_factor.max())  # a novel pose is rare, whatever cluster it is nearest to
    return marked.with_extra("pose_repeats", np.where(stand.novel, most, repeats))


def _with_columns(
    people: People,
    cluster: NDArray[np.int64],
    repeat_factor: NDArray[np.float64],
    rarity: NDArray[np.float64],
    novel: NDArray[np.bool_],
) -> People:
    columns = {"cluster": cluster, "repeat_factor": repeat_factor, "rarity": rarity.round(6), "novel": novel}
    columns["pose_repeats"] = repeat_factor
    return people.replace(extras={**people.extras, **columns})


def _read(path: Path, source: str) -> tuple[People, Images]:
    people, images = read_project_people(path)
    return _usable(people, path, source), images


def _usable(people: People, path: Path, source: str) -> People:
    """The people of the file `path`, all of one source, without columns that training has no use for."""
    others = sorted(set(people.source.tolist()) - {source})
    if others:
        raise InputError(f"{path} has people of another source", expected=source, got=", ".join(others))
    joint_weights(people)  # malformed ones stop here, not in a fit
    lists = {MASK, JOINT_WEIGHT} if source == "synthetic" else {JOINT_WEIGHT}  # masks: to change the background
    columns = {name: column for name, column in people.extras.items() if name in lists or _is_plain(column)}
    return people.replace(extras=columns)


def _is_plain(column: NDArray[Any]) -> bool:
    """Whether an extra column has one number or word per person. Cameras and the like are left out."""
    return not any(isinstance(value, list | dict) for value in column.tolist())


def _with_people(people: People, images: Images) -> tuple[People, Images]:
    """Without the images that show nobody."""
    return people, images.take(np.unique(images.rows_of(people.image_id)))
