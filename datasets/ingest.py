"""Stage `ingest`: a labelled real set with splits, and a pool of unlabelled frames.

By default the labels come from four calibrated cameras (`cameras/`); `ingest.sources` names the user's own sets
instead, in any of the formats of `formats/table.py`. Order: `run`, the cameras, the sources, what is written, the pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.boxes import box_from_keypoints, clip_boxes
from dataengine.coco_json import write_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import fresh_folder, write_json
from dataengine.keypoints import UNLABELLED
from dataengine.labels.in_picture import inside_picture
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say
from dataengine.video.decoding import video_hash
from dataengine.video.sampling import FrameSampling, sample_frames

from .cameras.label_views import MultiviewParams, ViewLabels, detect_views, label_views
from .cameras.qualisys import read_calibration
from .cameras.reprojection_picture import write_reprojection_picture
from .checks.finding import Finding
from .checks.params import ChecksParams
from .formats.content import Limits
from .formats.writing import copy_images
from .quality.intake import Intake, check_and_split, check_blocks, record_findings
from .sources.frames import FrameWriter
from .sources.user_sources import (
    SourceParams,
    UserSource,
    account,
    all_bad,
    check_names,
    combined,
    copied,
    read_sources,
)
from .splits.assign import DROPPED, SPLITS, SplitParams, split_frames

CAMERAS, CLIP, MODELS = "pose2sim", "sports2d", "mediapipe"  # folders that the stage fetch writes
CALIBRATION = "Calib.qca.txt"
PICTURE_NAME = "reprojection.png"  # not an output in dvc.yaml, since the user's own sources do not make it
BOX_MARGIN = 0.15  # the joints end at eyes and ankles, the person does not
BAD_SHOWN = 3


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
    fetched: Annotated[Path, typer.Option(help="Folder that fetch wrote.")],
    out: Annotated[Path, typer.Option(help="Folder to write: train, val, test and pool JSON with their images.")],
    report: Annotated[Path, typer.Option(help="Folder for metrics, the quality report, quarantine.json.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Make the labelled real set and the pool of unlabelled frames.

    Needs the folder that fetch wrote. Writes OUT/train.json, val.json, test.json and pool.json with their images, and
    REPORT/quality.html to read.

    To use your own data, name it in ingest.sources in params.yaml, one entry per set, in COCO or any format that
    `dataengine convert --help` lists: every record is checked, bad ones are listed in quarantine.json with file, id
    and reason, quality.html shows what is suspect, and splits go by a hash of the video, the scene or the image's
    content. ingest.split holds the shares, ingest.max_bad_share when to stop.

    By default four synchronised cameras are labelled: BlazePose in each view, robust triangulation, reprojection. A
    joint on which the views disagree is dropped. Splits are blocks of time with gaps between them.

    Example: dataengine ingest --fetched data/fetch --out data/ingest --report reports/ingest
    """
    run(load_section(params, "ingest", IngestParams), fetched=fetched, out=out, report=report)


def run(params: IngestParams, *, fetched: Path, out: Path, report: Path) -> None:
    """Write the splits and the pool to `out`, the metrics and reports to `report`."""
    with fresh_folder(out) as folder:
        sources = read_sources(params.sources, params.limits)
        labelled = [source for source in sources if not source.unlabelled]
        if labelled:
            metrics = _from_sources(params, labelled, fetched, folder, report)
        else:
            metrics = _from_cameras(params, fetched, folder, report)
        unlabelled = [source for source in sources if source.unlabelled]
        metrics["pool_frames"] = _write_pool(params, unlabelled, fetched, folder)
    write_json(report / "metrics.json", metrics)


def _from_cameras(params: IngestParams, fetched: Path, folder: Path, report: Path) -> dict[str, Any]:
    cameras = read_calibration(fetched / CAMERAS / CALIBRATION)
    videos = [fetched / CAMERAS / f"{camera.name}.mp4" for camera in cameras]
    writers = [
        FrameWriter(folder / "images", video.name, params.longest_side_px, first_id=1 + 100_000 * view)
        for view, video in enumerate(videos)
    ]
    detections = detect_views(videos, fetched / MODELS, writers)
    labels = label_views(detections, cameras, params.multiview)
    frames = detections.confidence.shape[1]
    images = [writer.images().take(np.arange(frames)) for writer in writers]
    scales = [writer.scale for writer in writers]
    people = People.concat(
        view_people(labels, view, table, scale) for view, (table, scale) in enumerate(zip(images, scales, strict=True))
    )
    intake = check_blocks(
        people,
        Images.concat(images),
        params.checks,
        params.split,
        np.tile(split_frames(frames, params.split), len(cameras)),
        report=report,
        models=fetched / MODELS,
    )
    counts = write_splits(folder, intake, intake.images, params.split)
    write_reprojection_picture(report / PICTURE_NAME, labels, images, scales)
    write_json(report / "quarantine.json", [])
    return {"people": counts, "reprojection": labels.quality}


def view_people(labels: ViewLabels, view: int, images: Images, scale: float) -> People:
    """The labels of one view as People, in pixels of the written images; joints outside the picture are unlabelled."""
    keypoints = labels.keypoints_px[view] * scale
    size = np.stack([images.width, images.height], axis=1)
    visibility = np.where(inside_picture(keypoints, size), labels.visibility[view], UNLABELLED)
    return People.build(
        image_id=images.id,
        bbox_xywh_px=clip_boxes(box_from_keypoints(keypoints, visibility, BOX_MARGIN), size),
        keypoints_px=keypoints,
        visibility=visibility,
        track_id=1,
        extras={"keypoints_world_m": labels.points_m.round(4)},
    )


def _from_sources(
    params: IngestParams, sources: list[UserSource], fetched: Path, folder: Path, report: Path
) -> dict[str, Any]:
    (report / PICTURE_NAME).unlink(missing_ok=True)  # of an earlier run on the cameras
    bad = all_bad(sources)
    for record in bad[:BAD_SHOWN]:
        say(f"quarantined: {record.file}: {record.table} {record.id}: {record.reason}")
    # written before the share is judged: a user who is stopped by too many bad records needs the list
    write_json(report / "quarantine.json", [record.as_json() for record in bad])
    _refuse_too_many(params, sources, report)
    people, images = combined(sources)
    intake = check_and_split(
        people,
        images,
        params.checks,
        params.split,
        report=report,
        bad=record_findings(bad),
        without_labels=sum(source.content.without_labels for source in sources),
        models=fetched / MODELS,
        largest_mpx=params.limits.image_mpx,
    )
    set_aside = [finding for finding in intake.quality.findings if finding.severity == "quarantine"]
    write_json(report / "quarantine.json", [_quarantined(finding) for finding in set_aside])
    _refuse_damaged(params, intake, report)
    used_images = copied(intake.images.take(intake.split != DROPPED), sources, folder / "images")
    counts = write_splits(folder, intake, used_images, params.split)
    return {"people": counts, "records": intake.quality.record_counts(), "sources": account(sources, intake)}


def _refuse_too_many(params: IngestParams, sources: Sequence[UserSource], report: Path) -> None:
    """Each source by itself, so that a large good one does not hide a small broken one."""
    for source in sources:
        bad, records = len(source.content.bad), source.content.records
        if bad > params.max_bad_share * records:
            raise InputError(
                f"source {source.name!r}: {bad} of {records} records are bad",
                expected=f"at most {params.max_bad_share:.1%}",
                got=f"{bad / records:.1%}",
                fix=f"repair those in {report / 'quarantine.json'}, or raise ingest.max_bad_share",
            )


def _refuse_damaged(params: IngestParams, intake: Intake, report: Path) -> None:
    """Pictures are decoded only once all sources are together, so those that fail are counted over all."""
    damaged = sum(finding.check == "picture" for finding in intake.quality.findings)
    records = intake.quality.counts.records_in
    if damaged > params.max_bad_share * records:
        raise InputError(
            f"{damaged} of {records} records are damaged pictures, or people on them",
            expected=f"at most {params.max_bad_share:.1%}",
            got=f"{damaged / records:.1%}",
            fix=f"repair those in {report / 'quarantine.json'}, or raise ingest.max_bad_share",
        )


def _quarantined(finding: Finding) -> dict[str, str]:
    return {"file": finding.file, "table": finding.table, "id": finding.id, "reason": finding.reason}


def write_splits(folder: Path, intake: Intake, images: Images, params: SplitParams) -> dict[str, int]:
    """Write train, val and test JSON of the people that have a labelled joint, and the lock of the test set.

    `images` is the intake's table with the paths as they are now. Returns people per split.
    """
    people, split = intake.people, intake.people_split()
    usable = (people.visibility > UNLABELLED).any(axis=1)
    test_info = intake.freeze(folder, params).info()
    counts = {}
    for name in SPLITS:
        part = people.take((split == name) & usable)
        if not len(part):
            raise InputError(f"split {name} is empty", expected="people in every split", fix="change ingest.split")
        rows = np.unique(images.rows_of(part.image_id))
        info = {"stage": "ingest", "split": name} | (test_info if name == "test" else {})
        write_people(folder / f"{name}.json", part, images.take(rows), info=info)
        counts[name] = len(part)
    return counts


def _write_pool(params: IngestParams, frames: Sequence[UserSource], fetched: Path, folder: Path) -> int:
    """Write the frames of pool videos and of unlabelled sources, or of the default clip where there is neither."""
    default = [] if frames else [fetched / CLIP / "demo.mp4"]
    videos: Sequence[Path] = [Path(video) for video in params.pool_videos] or default
    tables, addresses = [], dict[str, str]()
    for source in frames:
        tables.append(copy_images(source.content.images, source.folder, folder / "pool_images" / source.name))
    for number, video in enumerate(videos):
        writer = FrameWriter(
            folder / "pool_images" / str(number),
            video.name,
            params.longest_side_px,
            first_id=1 + 1_000_000 * (10 + number),
        )
        sampling = replace(params.pool, every=params.pool_every)
        for frame in track(sample_frames(video, sampling), f"pool {video.name}", unit="frame"):
            writer.write(frame)
        tables.append(writer.images())
        addresses.update(writer.addresses(video_hash(video)))
    pool = Images.concat(tables)
    write_people(folder / "pool.json", People.empty(), pool, info={"stage": "ingest", "split": "pool"})
    write_json(folder / "pool_frames.json", addresses)  # image id -> the frame's address in its video
    return len(pool)
