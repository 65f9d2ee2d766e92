"""Stage `ingest`: a labelled real set with splits, and a pool of unlabelled frames.

By default the labels come from four calibrated cameras (`cameras/`); `ingest.sources` names the user's own sets
instead, in any of the formats of `format_table.py`. Order: `run`, the pool, the cameras, the sources, what is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.coco_json import write_people
from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, write_json
from dataengine.formats.reading.content import BadRecord, Limits, ReaderNotes
from dataengine.geometry.pixel_grid import resized, within
from dataengine.inference.network_files import MODELS
from dataengine.keypoints import UNLABELLED
from dataengine.labels.kept_pictures import without_hashes
from dataengine.leakage.film_names import film_name
from dataengine.leakage.held_out import HELD_OUT_NAME, write_held_out
from dataengine.multiview.qualisys import read_calibration
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.person_scale import scale_counts, with_joint_area
from dataengine.terminal.folders import folder_option, out_folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say
from dataengine.video.decoding import video_hash
from dataengine.video.sampling import FrameSampling

from .cameras.label_views import MultiviewParams, ViewLabels, detect_views, label_views, rows_of_common_frames
from .cameras.reprojection_picture import write_reprojection_picture
from .checks.checking import check_set
from .checks.finding import Finding
from .checks.params import ChecksParams
from .quality.intake import Intake, record_findings, split_by_blocks, split_by_group
from .quality.report import write_quality
from .sources.frames import FrameWriter
from .sources.pool import ADDRESSES_NAME, POOL_NAME, write_pool
from .sources.pool import FOLDER as POOL_FOLDER
from .sources.refusals import empty_split, refuse_damaged, refuse_nobody, refuse_too_many
from .sources.user_sources import (
    SourceParams,
    UserSource,
    account,
    all_bad,
    check_names,
    combined,
    copied,
    read_sources,
    recording_names,
)
from .splits.assign import DROPPED, SPLITS, SplitParams, as_recordings, split_frames, split_recordings
from .splits.freeze import LOCK_NAME

CAMERAS, CLIP = "pose2sim", "sports2d"  # folders that the stage fetch writes
CALIBRATION = "Calib.qca.txt"
PICTURE_NAME = "reprojection.png"  # not an output in dvc.yaml, since the user's own sources do not make it
BAD_SHOWN = 3
WRITTEN = frozenset(
    {*(f"{split}.json" for split in SPLITS), "images", POOL_NAME, ADDRESSES_NAME, POOL_FOLDER, HELD_OUT_NAME, LOCK_NAME}
)


@dataclass(frozen=True)
class IngestParams:
    """Section `ingest`."""

    sources: list[SourceParams]
    """Your own labelled sets, and folders of frames for the pool. Without a labelled set: the default cameras."""
    pool_videos: list[str]
    """Unlabelled videos; empty takes the default clip."""
    pool_every: int
    """Every n-th frame of a pool video is taken, unless `pool.fps` is set."""
    longest_side_px: int
    """Video frames are scaled down to this."""
    max_bad_share: float
    """More bad records than this share stop the stage with exit code 2."""
    split: SplitParams
    multiview: MultiviewParams
    pool: FrameSampling = field(default_factory=FrameSampling)
    """Further rules for the pool: frames per second, change, sharpness. Its `every` is `pool_every`."""
    checks: ChecksParams = field(default_factory=ChecksParams)
    """What makes a picture, a person or a pair of pictures suspect."""
    limits: Limits = field(default_factory=Limits)
    """What a file from outside may ask of this machine."""

    def __post_init__(self) -> None:
        check_names(self.sources)
        if self.pool_every < 1 or self.longest_side_px < 64:
            raise ParamsError("pool_every and longest_side_px", expected="1 or more, and 64 or more")


def command(
    fetched: Annotated[Path, folder_option(help="Folder that fetch wrote.")],
    out: Annotated[
        Path,
        replaced_folder_option(
            holds=WRITTEN, help="Folder to write: train, val, test and pool JSON with their images."
        ),
    ],
    report: Annotated[Path, out_folder_option(help="Folder for metrics, the quality report, quarantine.json.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Make the labelled real set and the pool of unlabelled frames.

    Needs the folder that fetch wrote. Writes OUT/train.json, val.json, test.json and pool.json with their images, and
    REPORT/quality.html to read. The pool has no picture of validation or test; OUT/held_out.json lets later stages
    refuse them.

    To use your own data, name it in ingest.sources in params.yaml, one entry per set, in COCO or any format that
    `dataengine convert --help` lists: every record is checked, bad ones are listed in quarantine.json with file, id
    and reason, quality.html shows what is suspect, and splits go by a hash of the video, the scene or the image's
    content. ingest.split holds the shares, ingest.max_bad_share when to stop.

    Frames of a still camera all look alike: split them by time (ingest.split.by: time).

    By default four synchronised cameras are labelled: BlazePose in each view, robust triangulation, reprojection. A
    joint on which the views disagree is dropped. Splits are blocks of time with gaps between them.

    Example: dataengine ingest --fetched data/fetch --out data/ingest --report reports/ingest
    """
    section, protocol = load_section(params, "ingest", IngestParams), load_protocol(params)
    run(section, fetched=fetched, out=out, report=report, protocol=protocol)


def run(params: IngestParams, *, fetched: Path, out: Path, report: Path, protocol: OksProtocol = COCO) -> None:
    """Write the splits and the pool to `out`, the metrics and reports to `report`."""
    with fresh_folder(out) as folder:
        sources = read_sources(params.sources, params.limits)
        labelled = [source for source in sources if not source.unlabelled]
        if labelled:
            intake, metrics = _from_sources(params, labelled, fetched, folder, report, protocol)
        else:
            intake, metrics = _from_cameras(params, fetched, folder, report, protocol)
        unlabelled = [source for source in sources if source.unlabelled]
        metrics |= _pool(params, intake, unlabelled, fetched, folder, report)
    write_json(report / "metrics.json", metrics)


def _pool(
    params: IngestParams, intake: Intake, frames: Sequence[UserSource], fetched: Path, folder: Path, report: Path
) -> dict[str, Any]:
    """Write the pool: pool videos and unlabelled sources, or the default clip where there is neither.

    The quality report, which a run that stops before leaves behind, is written again with what the pool lost.
    """
    default = [] if frames else [fetched / CLIP / "demo.mp4"]
    account = write_pool(
        folder,
        frames,
        [Path(video) for video in params.pool_videos] or default,
        sampling=replace(params.pool, every=params.pool_every),
        longest_side_px=params.longest_side_px,
        held_out=intake.held_out,
    )
    write_quality(report, replace(intake.quality, pool=account))
    return {"pool_frames": account.kept, "pool_left_out": account.counts(), "pool_films": account.film_records()}


def _from_cameras(
    params: IngestParams, fetched: Path, folder: Path, report: Path, protocol: OksProtocol
) -> tuple[Intake, dict[str, Any]]:
    cameras = read_calibration(fetched / CAMERAS / CALIBRATION)
    videos = [fetched / CAMERAS / f"{camera.name}.mp4" for camera in cameras]
    sha256 = {film_name(video, digest): digest for video in videos for digest in [video_hash(video)]}
    writers = [
        FrameWriter(folder / "images", name, params.longest_side_px, first_id=1 + 100_000 * view)
        for view, name in enumerate(sha256)
    ]
    detections = detect_views(videos, fetched / MODELS, writers)
    labels = label_views(detections, cameras, params.multiview)
    frames = detections.confidence.shape[1]
    rows = rows_of_common_frames(writers)
    images = [w.images().take(at).replace(group=CAMERAS) for w, at in zip(writers, rows, strict=True)]  # one recording
    scales = [writer.scale for writer in writers]
    people = People.concat(
        view_people(labels, view, table, scale) for view, (table, scale) in enumerate(zip(images, scales, strict=True))
    )
    pictures = Images.concat(images)
    checked = check_set(people, pictures, params.checks, models=fetched / MODELS, protocol=protocol)
    blocks = np.tile(split_frames(frames, params.split), len(cameras))
    intake = split_by_blocks(
        checked,
        params.checks,
        params.split,
        dict(zip(pictures.id.tolist(), blocks.tolist(), strict=True)),
        report=report,
        video_sha256=sha256,
    )
    counts = write_splits(folder, intake, intake.images, params.split)
    write_reprojection_picture(report / PICTURE_NAME, labels, images, scales)
    write_json(report / "quarantine.json", [])
    return intake, {"people": counts, "area_from": scale_counts(intake.people), "reprojection": labels.quality}


def view_people(labels: ViewLabels, view: int, images: Images, scale: tuple[float, float]) -> People:
    """The labels of one view as People, in pixels of the written images; joints outside the picture are unlabelled."""
    keypoints = resized(labels.keypoints_px[view], scale)
    size = np.stack([images.width, images.height], axis=1)
    visibility = np.where(within(keypoints, size[:, None]), labels.visibility[view], UNLABELLED)
    people = People.build(
        image_id=images.id,
        bbox_xywh_px=clip_boxes(box_from_keypoints(keypoints, visibility), size),
        keypoints_px=keypoints,
        visibility=visibility,
        track_id=1,
        extras={"keypoints_world_m": labels.points_m.round(4)},
    )
    return with_joint_area(people)


def _from_sources(
    params: IngestParams,
    sources: list[UserSource],
    fetched: Path,
    folder: Path,
    report: Path,
    protocol: OksProtocol,
) -> tuple[Intake, dict[str, Any]]:
    (report / PICTURE_NAME).unlink(missing_ok=True)  # of an earlier run on the cameras
    bad = all_bad(sources)
    for source in sources:
        for line in source.content.notes.lines():
            say(f"{source.name}: {line}")
    for record in bad[:BAD_SHOWN]:
        say(f"quarantined: {record.file}: {record.table} {record.id}: {record.reason}")
    # written before the share is judged: a user who is stopped by too many bad records needs the list
    write_json(report / "quarantine.json", [record.as_json() for record in bad])
    refuse_too_many(sources, params.max_bad_share, report)
    refuse_nobody(sources)
    intake = _checked_sources(params, sources, bad, fetched, report, protocol)
    for words, count in intake.quality.checked.treated.items():
        say(f"pictures {words}: {count}")
    set_aside = [finding for finding in intake.quality.findings if finding.severity == "quarantine"]
    write_json(report / "quarantine.json", [_quarantined(finding) for finding in set_aside])
    refuse_damaged(intake, params.max_bad_share, report)
    used_images = copied(intake.images.take(intake.split != DROPPED), sources, folder / "images")
    counts = write_splits(folder, intake, used_images, params.split)
    facts = {
        "area_from": scale_counts(intake.people),
        "records": intake.quality.record_counts(),
        "pictures": intake.quality.checked.treated,
        "sources": account(sources, intake),
    }
    return intake, {"people": counts, **facts}


def _checked_sources(
    params: IngestParams,
    sources: Sequence[UserSource],
    bad: Sequence[BadRecord],
    fetched: Path,
    report: Path,
    protocol: OksProtocol,
) -> Intake:
    """All sources checked as one set, and split as `ingest.split.by` says."""
    people, images = combined(sources)
    by_blocks = params.split.by != "group"
    if by_blocks:
        images = as_recordings(images, recording_names(images, sources))
    checked = check_set(
        people,
        images,
        params.checks,
        bad=record_findings(bad),
        notes=ReaderNotes.added_up(source.content.notes for source in sources),
        models=fetched / MODELS,
        largest_mpx=params.limits.image_mpx,
        protocol=protocol,
    )
    if not by_blocks:
        return split_by_group(checked, params.checks, params.split, report=report)
    blocks = dict(zip(images.id.tolist(), split_recordings(images, params.split).tolist(), strict=True))
    return split_by_blocks(checked, params.checks, params.split, blocks, report=report)


def _quarantined(finding: Finding) -> dict[str, str]:
    return {"file": finding.file, "table": finding.table, "id": finding.id, "reason": finding.reason}


def write_splits(folder: Path, intake: Intake, images: Images, params: SplitParams) -> dict[str, int]:
    """Write train, val and test JSON of the people that have a labelled joint, the test set's lock, what is held out.

    `images` is the intake's table with the paths as they are now. Returns people per split.
    """
    people, split = without_hashes(intake.people), intake.people_split()
    usable = (people.visibility > UNLABELLED).any(axis=1)
    test_info = intake.freeze(folder, params).info()
    counts = {}
    for name in SPLITS:
        part = people.take((split == name) & usable)
        if not len(part):
            raise empty_split(name, intake)
        rows = np.unique(images.rows_of(part.image_id))
        info = {"stage": "ingest", "split": name} | (test_info if name == "test" else {})
        write_people(folder / f"{name}.json", part, images.take(rows), info=info)
        counts[name] = len(part)
    write_held_out(folder / HELD_OUT_NAME, intake.held_out)
    return counts
