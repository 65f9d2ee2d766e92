"""Stage pseudo-label: two teachers label the unlabelled frames; joints that they dispute are left out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.coco_json import read_project_people, write_people
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.labels.answered import AnsweredFrames
from dataengine.labels.joint_weights import joint_weights, with_joint_weights
from dataengine.labels.label_store import read_store
from dataengine.leakage.leaks import refuse_held_out
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.person_scale import with_joint_area
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .pseudo.filters import (
    BOTH,
    DISPUTED,
    FIRST,
    KEPT,
    NOBODY,
    SECOND,
    VERDICTS,
    FilterParams,
    JointVerdict,
    Opinion,
    Placement,
    judge_joints,
)
from .tracking.overlap_links import frame_times, link_tracks, neighbours

PEOPLE_NAME, CANDIDATES_NAME, METRICS_NAME, PICTURE_NAME = "people.json", "candidates.json", "metrics.json", "sheet.jpg"
MODELS = "mediapipe"  # folder of BlazePose's models among the fetched data
VOUCHED_BY = {
    BOTH: "both",
    FIRST: "blazepose_alone",
    SECOND: "fitted_alone",
    DISPUTED: "disputed",
    NOBODY: "nobody",
}
PICTURE_PEOPLE, PICTURE_COLUMNS, TILE_PX = 24, 6, (240, 240)
PICTURE_MARGIN = 0.15  # of the box's longer side, shown around the person


@dataclass(frozen=True, kw_only=True)
class PseudoLabelParams(FilterParams):
    """The filters, and how people are followed."""

    track_overlap: float
    """Least overlap of one person's boxes in two frames (intersection over union)."""
    max_gap: int
    """Largest distance between frames that still count as neighbours in time."""


def command(
    pool: Annotated[Path, typer.Option(help="Unlabelled frames with video and frame index, COCO JSON.")],
    fetched: Annotated[
        Path, typer.Option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ],
    teacher: Annotated[
        Path,
        typer.Option(help="Folder that fit-teacher wrote, or that `dataengine adopt` wrote of another network."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: people.json and candidates.json.")],
    report: Annotated[Path, typer.Option(help="Folder for metrics.json and a picture sheet.")],
    labels: Annotated[
        Path | None, typer.Option(help="Folder of label-import: frames that people labelled are left to them.")
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: pictures of validation and test are refused.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Label unlabelled video with two teachers.

    BlazePose finds people and labels them; the fitted teacher labels the same boxes. A teacher vouches for a joint
    where it is confident and steady under mirroring. With vouching: either-unless-disputed, the default, one teacher's
    word is enough unless the other vouches for another place; with vouching: agree, both must vouch for the same place.
    A joint outside the picture, or off its way between the frames before and after, is dropped.

    people.json holds the people who were kept; each joint has a weight of its own (joint_weight): lone_teacher_trust
    where one teacher vouches, up to 1 where both agree. Frames of the label store --labels are looked at, for their
    neighbours' sake, but nobody in them is labelled again. candidates.json holds everybody found elsewhere, with both
    opinions and the reasons. metrics.json shows who vouches for how many joints, and what each filter dropped.

    The params that decide how much is kept: vouching, blazepose_confidence, fitted_confidence, agreement_tolerance and
    min_joints in section `pseudo-label`.

    Example: dataengine pseudo-label --pool data/ingest/pool.json --fetched data/fetch --teacher models/fit-teacher --labels data/labels --held-out data/ingest/held_out.json --out data/pseudo-label --report reports/pseudo-label
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "pseudo-label", PseudoLabelParams)
    paths = {"pool": pool, "fetched": fetched, "teacher": teacher, "out": out, "report": report}
    run(section, **paths, labels=labels, held_out=held_out)


def run(
    params: PseudoLabelParams,
    *,
    pool: Path,
    fetched: Path,
    teacher: Path,
    out: Path,
    report: Path,
    labels: Path | None = None,
    held_out: Path | None = None,
) -> dict[str, Any]:
    """Label the pool, but for the frames that the store `labels` has, and return the metrics.

    Raises:
        InputError: a frame is one that the file `held_out` names, or the store is damaged.
    """
    from dataengine.blazepose.in_images import as_people, find_people

    from .pseudo.teachers import blazepose_opinion, fitted_opinion

    _, images = read_project_people(pool)
    refuse_held_out(held_out, images, pool)
    labelled = frames_labelled(images, labels)
    found_people = find_people(images, fetched / MODELS, max_gap=params.max_gap)
    people = as_people(found_people, images)
    rows = images.rows_of(people.image_id)
    people = people.replace(
        track_id=link_tracks(
            images.video[rows],
            images.frame[rows],
            people.bbox_xywh_px,
            min_overlap=params.track_overlap,
            max_gap=params.max_gap,
        )
    )
    blazepose, fitted = blazepose_opinion(found_people), fitted_opinion(teacher, people, images)
    placed = Placement(
        bbox_xywh_px=people.bbox_xywh_px,
        picture_px=_sizes(people, images),
        neighbour_rows=neighbours(people.track_id, images.frame[rows]),
        time=frame_times(images.video[rows], images.frame[rows], images.time_s[rows]),
    )
    verdict = judge_joints(blazepose, fitted, placed, params)
    open_rows = np.flatnonzero(~labelled[rows])
    candidates = as_candidates(people, images, verdict, blazepose, fitted).take(open_rows)
    verdict = verdict.take(open_rows)
    metrics = {**pseudo_label_metrics(images, verdict), "frames_labelled_by_people": int(labelled.sum())}
    info = {"stage": "pseudo-label", "params": asdict(params)}
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        write_json(report_folder / METRICS_NAME, metrics)
        _write_picture(report_folder / PICTURE_NAME, candidates, images)
        write_people(out_folder / CANDIDATES_NAME, candidates, images, info=info)
        write_people(out_folder / PEOPLE_NAME, candidates.take(verdict.kept), images, info=info)
    return metrics


def frames_labelled(images: Images, labels: Path | None) -> NDArray[np.bool_]:
    """Which frames (m,) people have labelled, by the store `labels`."""
    if labels is None:
        return np.zeros(len(images), dtype=bool)
    sha256 = np.array([sha256_file(Path(path)) for path in images.path.tolist()], dtype="<U64")
    return AnsweredFrames.of_files(read_store(labels)).among(images, sha256)


def as_candidates(people: People, images: Images, verdict: JointVerdict, blazepose: Opinion, fitted: Opinion) -> People:
    """Everybody found: kept joints visible, the others unlabelled; both opinions and the reasons as extra columns.

    The opinions are lists of 17 (x px, y px, confidence). Each joint weighs what it is trusted; weight is 0 for a
    person that was not kept. A kept person's box is drawn around the kept joints, as a label's is; the others keep the
    one that they were looked for in.
    """
    judged = people.replace(
        keypoints_px=verdict.keypoints_px.astype(np.float32),
        visibility=np.where(verdict.reason == KEPT, VISIBLE, UNLABELLED).astype(np.uint8),
        weight=verdict.kept.astype(np.float32),
    )
    judged = with_joint_area(_boxes_redrawn(judged, images, verdict.kept))
    judged = with_joint_weights(judged, verdict.trust)
    columns = {"blazepose": blazepose, "fitted": fitted}
    for name, opinion in columns.items():
        triples = np.concatenate([opinion.keypoints_px, opinion.confidence[..., None]], axis=2).round(3)
        judged = judged.with_extra(name, triples)
    return judged.with_extra("reasons", verdict.reason).with_extra("kept", verdict.kept)


def _boxes_redrawn(people: People, images: Images, rows: NDArray[np.bool_]) -> People:
    around = box_from_keypoints(people.keypoints_px, people.visibility)
    drawn = clip_boxes(around, _sizes(people, images), least_px=1)
    return people.replace(bbox_xywh_px=np.where(rows[:, None], drawn, people.bbox_xywh_px).astype(np.float32))


def _sizes(people: People, images: Images) -> NDArray[np.int64]:
    """Width and height (n, 2) of each person's picture."""
    rows = images.rows_of(people.image_id)
    return np.stack([images.width[rows], images.height[rows]], axis=1)


def pseudo_label_metrics(images: Images, verdict: JointVerdict) -> dict[str, Any]:
    """Who vouches for what share of all joints and of those that are learned from, and what each filter let through."""
    learned = (verdict.reason == KEPT) & verdict.kept[:, None]
    return {
        "frames": len(images),
        "people_found": len(verdict.kept),
        "people_kept": int(verdict.kept.sum()),
        "mean_trust": round(float(verdict.trust[learned].mean()), 4) if learned.any() else 0.0,
        "joint_share": _shares(verdict.reason, {name: name for name in VERDICTS}),
        "vouched_share": _shares(verdict.vouched_by, VOUCHED_BY),
        "learned_vouched_share": _shares(verdict.vouched_by[learned], VOUCHED_BY),
    }


def _shares(values: NDArray[np.str_], names: Mapping[str, str]) -> dict[str, float]:
    """Share of each of `names` in `values`, by its name in the metrics."""
    total = max(values.size, 1)
    return {shown: round(float((values == name).sum() / total), 4) for name, shown in names.items()}


def _write_picture(path: Path, candidates: People, images: Images) -> None:
    from dataengine.draw import contact_sheet, draw_people, part_around
    from dataengine.pictures.encoding import write_picture
    from dataengine.pictures.reading.decoding import read_picture

    count = min(PICTURE_PEOPLE, len(candidates))
    shown_rows = np.linspace(0, len(candidates) - 1, count).round().astype(int) if count else np.empty(0, dtype=int)
    trust = joint_weights(candidates)
    tiles, captions = [], []
    for row in shown_rows:
        image = read_picture(str(images.path[images.rows_of(candidates.image_id[[row]])[0]]))
        drawn = draw_people(image, candidates.take([row]))
        tiles.append(part_around(drawn, candidates.bbox_xywh_px[row], PICTURE_MARGIN)[0])
        trusted = trust[row][candidates.visibility[row] > UNLABELLED]
        captions.append(f"trust {trusted.mean():.2f}" if candidates.extras["kept"][row] else "dropped")
    write_picture(path, contact_sheet(tiles, columns=PICTURE_COLUMNS, tile=TILE_PX, captions=captions))
