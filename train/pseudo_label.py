"""Stage pseudo-label: teachers label the unlabelled frames; joints that are not trusted are left out."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people, write_people
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.inference.network_files import MODELS
from dataengine.keypoints import UNLABELLED
from dataengine.labels.answered import AnsweredFrames
from dataengine.labels.joint_weights import joint_weights
from dataengine.labels.label_store import read_store
from dataengine.leakage.leaks import refuse_held_out
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile
from dataengine.terminal.speech import say

from .health.page import write_health
from .pseudo.filters import JointVerdict, Opinion, Placement
from .pseudo.outcome import as_candidates, picture_sizes, pseudo_label_metrics
from .pseudo.params import PseudoLabelParams
from .pseudo.persons import person_reasons
from .pseudo.teachers import TEACHERS, ask_teachers
from .tracking.overlap_links import frame_times, link_tracks, neighbours, run_lengths, track_lengths
from .trust.judging import judge
from .trust.rule import TrustRule, write_trust
from .trust.validation import Learned, learn_from

PEOPLE_NAME, CANDIDATES_NAME, TRUST_NAME = "people.json", "candidates.json", "trust.json"
METRICS_NAME, PICTURE_NAME, HEALTH_NAME = "metrics.json", "sheet.jpg", "health.html"
WRITTEN = frozenset({PEOPLE_NAME, CANDIDATES_NAME, TRUST_NAME})
REPORTED = frozenset({METRICS_NAME, PICTURE_NAME, HEALTH_NAME})
PICTURE_PEOPLE, PICTURE_COLUMNS, TILE_PX = 24, 6, (240, 240)
PICTURE_MARGIN = 0.15  # of the box's longer side, shown around the person


def command(
    pool: Annotated[Path, typer.Option(help="Unlabelled frames with video and frame index, COCO JSON.")],
    fetched: Annotated[
        Path, folder_option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ],
    teacher: Annotated[
        Path,
        folder_option(help="Folder that fit-teacher wrote, or that `dataengine adopt` wrote of another network."),
    ],
    out: Annotated[
        Path,
        replaced_folder_option(holds=WRITTEN, help="Folder to write: people.json, candidates.json and trust.json."),
    ],
    report: Annotated[
        Path, replaced_folder_option(holds=REPORTED, help="Folder for metrics.json, health.html and a picture sheet.")
    ],
    val: Annotated[
        Path | None, typer.Option(help="Labelled validation people, COCO JSON: from them trust is learned.")
    ] = None,
    labels: Annotated[
        Path | None, folder_option(help="Folder of label-import: frames that people labelled are left to them.")
    ] = None,
    held_out: HeldOut = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Label unlabelled video with two teachers.

    BlazePose finds people and labels them; the fitted teacher labels the same boxes. Both are asked about the
    validation people, too: from these it is learned how likely each joint of an answer is right, and from which score
    on joints are accepted, so that target_precision of them are right. What a joint weighs in a loss (joint_weight) is
    its calibrated probability. Calibration counts whole groups of people: films, scenes, single pictures. Where there
    are too few of them one line says so, and thresholds decide: a teacher vouches for a joint where it is confident and
    steady under mirroring, and a joint weighs lone_teacher_trust where one teacher vouches, up to 1 where both agree.

    Either way, with vouching: either-unless-disputed, the default, one teacher's word is enough unless the other vouches
    for another place; with vouching: agree, both must vouch for the same place. A joint outside the picture, or off its
    way between the frames before and after, is dropped; and a person with too few joints, an impossible limb, a broken
    track or too many disputed joints.

    people.json holds the people who were kept. Frames of the label store --labels are looked at, for their neighbours'
    sake, but nobody in them is labelled again. candidates.json holds everybody found elsewhere, with both opinions and
    the reasons; trust.json, where it was learned, whom to trust. metrics.json shows what each filter dropped, and
    health.html acceptance by joint and film, precision on validation people, 48 accepted and 48 rejected joints.

    The params that decide how much is kept: target_precision, or without enough validation people blazepose_confidence,
    fitted_confidence and flip_tolerance; vouching, agreement_tolerance and min_joints in section `pseudo-label`.

    Example: dataengine pseudo-label --pool data/ingest/pool.json --fetched data/fetch --teacher models/fit-teacher --val data/ingest/val.json --labels data/labels --held-out data/ingest/held_out.json --out data/pseudo-label --report reports/pseudo-label
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "pseudo-label", PseudoLabelParams)
    paths = {"pool": pool, "fetched": fetched, "teacher": teacher, "out": out, "report": report}
    run(section, **paths, val=val, labels=labels, held_out=held_out, protocol=load_protocol(params))


def run(
    params: PseudoLabelParams,
    *,
    pool: Path,
    fetched: Path,
    teacher: Path,
    out: Path,
    report: Path,
    val: Path | None = None,
    labels: Path | None = None,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
) -> dict[str, Any]:
    """Label the pool, but for the frames that the store `labels` has, and return the metrics.

    Raises:
        InputError: a frame is one that the file `held_out` names, or the store is damaged.
    """
    _, images = read_project_people(pool)
    refuse_held_out(held_out, images, pool)
    labelled = frames_labelled(images, labels)

    def ask(frames: Images) -> tuple[People, tuple[Opinion, ...]]:
        return ask_teachers(frames, fetched / MODELS, teacher, max_gap=params.max_gap)

    learned = learn_from(val, params, TEACHERS, ask, sigmas=protocol.sigmas)
    say(learned.line())
    people, opinions = ask(images)
    people, verdict, dropped_for = judged(people, images, opinions, learned.rule, params)
    open_rows = np.flatnonzero(~labelled[images.rows_of(people.image_id)])
    named = dict(zip(TEACHERS, opinions, strict=True))
    candidates = as_candidates(people, images, verdict, named, dropped_for).take(open_rows)
    verdict, dropped_for = verdict.take(open_rows), dropped_for[open_rows]
    metrics = {
        **pseudo_label_metrics(images, verdict, dropped_for),
        "frames_labelled_by_people": int(labelled.sum()),
        "trust": trust_metrics(learned),
    }
    info = {"stage": "pseudo-label", "params": asdict(params)}
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        write_json(report_folder / METRICS_NAME, metrics)
        _write_picture(report_folder / PICTURE_NAME, candidates, images)
        write_health(report_folder / HEALTH_NAME, candidates, images, verdict, learned, metrics)
        if learned.rule is not None:
            write_trust(out_folder / TRUST_NAME, learned.rule)
        write_people(out_folder / CANDIDATES_NAME, candidates, images, info=info)
        write_people(out_folder / PEOPLE_NAME, candidates.take(verdict.kept), images, info=info)
    return metrics


def judged(
    people: People,
    images: Images,
    opinions: tuple[Opinion, ...],
    rule: TrustRule | None,
    params: PseudoLabelParams,
) -> tuple[People, JointVerdict, NDArray[np.str_]]:
    """`people` with track ids, what is believed of their joints, and why each is dropped ("" for who stays)."""
    rows = images.rows_of(people.image_id)
    video, frame = images.video[rows], images.frame[rows]
    gap = params.max_gap
    track_id = link_tracks(video, frame, people.bbox_xywh_px, min_overlap=params.track_overlap, max_gap=gap)
    people = people.replace(track_id=track_id)
    placed = Placement(
        bbox_xywh_px=people.bbox_xywh_px,
        picture_px=picture_sizes(people, images),
        neighbour_rows=neighbours(track_id, frame),
        time=frame_times(video, frame, images.time_s[rows]),
    )
    verdict = judge(opinions, placed, rule, params)
    shown = run_lengths(images.video, images.frame, gap)[rows]
    reasons = person_reasons(people, verdict, params, followed=track_lengths(track_id), shown=shown)
    return people, replace(verdict, kept=reasons == ""), reasons


def trust_metrics(learned: Learned) -> dict[str, Any]:
    """What was asked for and learned from whom; why thresholds decide, where they do."""
    rule = learned.rule
    if rule is None:
        return {"by": "thresholds", "why": learned.why_not}
    return {
        "by": "validation people",
        "target_precision": rule.precision,
        "people": rule.people,
        "groups": rule.groups,
        "joints_judged": int(rule.judged.sum()),
        "joints_with_a_cutoff": int(np.isfinite(rule.cutoffs()).sum()),
    }


def frames_labelled(images: Images, labels: Path | None) -> NDArray[np.bool_]:
    """Which frames (m,) people have labelled, by the store `labels`."""
    if labels is None:
        return np.zeros(len(images), dtype=bool)
    sha256 = np.array([sha256_file(Path(path)) for path in images.path.tolist()], dtype="<U64")
    return AnsweredFrames.of_files(read_store(labels)).among(images, sha256)


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
