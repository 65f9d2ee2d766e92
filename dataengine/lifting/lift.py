"""Command `lift`: tracks of people to joints in space, as JSON or NPZ, and a film to look at."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.errors import InputError, ParamsError
from dataengine.files import atomic_path, short_sha256, write_json
from dataengine.films.film_writer import FilmWriter, available_encoder
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.multiview.qualisys import read_calibration
from dataengine.pictures.encoding import write_picture
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.progress import track
from dataengine.terminal.speech import answer

from .checkpoint import load_lifter
from .lifted import LiftedTrack, lift_track
from .people_tracks import PeopleTrack, read_tracks
from .shown import film_frames, pose_tiles

SHOWN_PEOPLE, SHEET_FRAMES = 3, 6
DECIMALS = 4  # of metres


def command(
    people: Annotated[Path, typer.Option(help="COCO JSON of films with track ids: people.json of infer.")],
    lifter: Annotated[Path, folder_option(help="Folder that fit-lifter wrote.")],
    out: Annotated[
        Path,
        out_folder_option(help="Folder for joints.json or joints.npz, lifted.jpg and the film."),
    ],
    form: Annotated[str, typer.Option("--format", help="json or npz.")] = "json",
    calibration: Annotated[
        Path | None, typer.Option(help="Qualisys calibration of cameras that films are named after.")
    ] = None,
    film: Annotated[bool, typer.Option(help="Also write lifted.mp4 of the first three people.")] = True,
) -> None:
    """Lift people's tracks to joints in space: metres, before the camera (x right, y down, z forward).

    PEOPLE is what `infer` writes for a film, or any COCO file whose images have a video and a frame and whose people
    have a track_id. Poses are from the middle of the hips; `root_m` is where that is, a guess from the size of people,
    since one camera does not show how far away somebody is. `residual` says how far each joint is from where the
    lifted pose projects to, in sizes of the person: large ones are suspect. Without --calibration and without
    intrinsics `K` in the file, a focal length of 1.2 times the image's longer side is assumed.

    Example: dataengine lift --people out/people.json --lifter models/lifter --out out/lifted
    """
    run(people, lifter, out, form=form, calibration=calibration, film=film)


def run(
    people: Path,
    lifter: Path,
    out: Path,
    *,
    form: str = "json",
    calibration: Path | None = None,
    film: bool = True,
) -> list[LiftedTrack]:
    """Write joints and pictures into `out`; what was lifted is returned, track by track.

    Raises:
        InputError: a file is not what it should be, or nobody is in it.
        ParamsError: `form` is unknown.
    """
    if form not in ("json", "npz"):
        raise ParamsError("--format", expected="json or npz", got=form)
    encoder = available_encoder() if film else None
    net, meta = load_lifter(lifter)
    cameras = read_calibration(calibration) if calibration else []
    tracks = read_tracks(people, cameras)
    if not tracks:
        raise InputError(f"{people} has nobody to lift", expected="people in films")
    lifted = [lift_track(net, meta.params, each.track) for each in track(tracks, "lift", unit="track")]
    weights = short_sha256(meta.weights_sha256)
    if form == "json":
        _write_joints_json(out / "joints.json", tracks, lifted, weights)
    else:
        _write_joints_npz(out / "joints.npz", tracks, lifted)
    write_picture(out / "lifted.jpg", _sheet(tracks, lifted))
    if encoder is not None:
        _write_film(out / f"lifted{encoder[1]}", encoder[0], tracks, lifted)
    frames = sum(len(each.track) for each in tracks)
    answer(f"{out}: {len(tracks)} tracks, {frames} frames lifted by {weights}")
    return lifted


def _write_joints_json(path: Path, tracks: list[PeopleTrack], lifted: list[LiftedTrack], weights: str) -> None:
    records: list[dict[str, Any]] = []
    for each, own in zip(tracks, lifted, strict=True):
        residual = own.residual.round(DECIMALS).astype(object)
        residual[~np.isfinite(own.residual)] = None  # NaN is not JSON
        records.append(
            {
                "video": each.film,
                "track_id": each.track_id,
                "frames": each.frames.tolist(),
                "time_s": each.track.time_s.round(6).tolist(),
                "pose_m": own.pose_m.round(DECIMALS).tolist(),
                "root_m": own.root_m.round(DECIMALS).tolist(),
                "residual": residual.tolist(),
            }
        )
    about = {"lifter": weights, "keypoints": list(COCO_KEYPOINTS), "frame": "camera: x right, y down, z forward, m"}
    write_json(path, {**about, "tracks": records})


def _write_joints_npz(path: Path, tracks: list[PeopleTrack], lifted: list[LiftedTrack]) -> None:
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            video=np.array([each.film for each in tracks for _ in each.frames]),
            track_id=np.array([each.track_id for each in tracks for _ in each.frames]),
            frame=np.concatenate([each.frames for each in tracks]),
            time_s=np.concatenate([each.track.time_s for each in tracks]),
            pose_m=np.concatenate([own.pose_m for own in lifted]).astype(np.float32),
            root_m=np.concatenate([own.root_m for own in lifted]).astype(np.float32),
            residual=np.concatenate([own.residual for own in lifted]).astype(np.float32),
        )


def _sheet(tracks: list[PeopleTrack], lifted: list[LiftedTrack]) -> Any:
    rows = []
    for each, own in list(zip(tracks, lifted, strict=True))[:SHOWN_PEOPLE]:
        for frame in np.unique(np.linspace(0, len(each.track) - 1, SHEET_FRAMES).round().astype(int)).tolist():
            rows.append(pose_tiles(own.pose_m[frame], f"{each.film[:16]} #{each.track_id}, frame {each.frames[frame]}"))
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % 2)
    return np.concatenate([np.concatenate(rows[0::2]), np.concatenate(rows[1::2])], axis=1)


def _write_film(path: Path, encoder: str, tracks: list[PeopleTrack], lifted: list[LiftedTrack]) -> None:
    first = tracks[0].film  # films have times of their own, so only people of one are shown together
    shown = [(each, own) for each, own in zip(tracks, lifted, strict=True) if each.film == first][:SHOWN_PEOPLE]
    begin_s = min(each.track.time_s[0] for each, _ in shown)
    named = [(f"{each.film[:20]} #{each.track_id}", each.track.time_s - begin_s, own) for each, own in shown]
    with atomic_path(path) as partial, FilmWriter(partial, encoder) as writer:
        for moment, picture in film_frames(named, SHOWN_PEOPLE):
            writer.write(picture, moment)
