"""Where a picture came from: a frame of a film, a render, or a picture of a user's own set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataengine.files import read_json, sha256_file, short_sha256
from dataengine.leakage.film_names import FILM_SUFFIXES, film_key

from .catalogue import SPLITS
from .finding import FoundSample
from .section import Section, shown
from .tables import PictureRow

POOL_ADDRESSES = "pool_frames.json"


def origin_section(sample: FoundSample) -> Section:
    """The film and frame, the scene of a render, or the set."""
    rendered = sample.rows("render")
    if rendered:
        return _of_render(sample, rendered[0])
    rows = [row for table in (*SPLITS, "pool", "mix", "scored") for row in sample.rows(table)]
    if rows:
        return _of_frame(sample, rows[0]) if rows[0].place else _of_set(rows[0])
    for file in sample.catalogue.label_files:
        if sample.sha256 in file.sha256.tolist():
            row = file.sha256.tolist().index(sample.sha256)
            video, frame = str(file.images.video[row]), int(file.images.frame[row])
            facts = {"kind": "film" if video else "labelled picture", "video": video, "frame": frame}
            words = f"frame {frame} of {video}" if video else "a single picture"
            return Section("from", (f"{words}, as the label store says; in no set of this round",), facts)
    for asked in sample.catalogue.rounds:
        pick = asked.picks.get(sample.sha256)
        if pick and pick.get("video"):
            facts = {"kind": "film", "video": str(pick["video"]), "frame": int(pick.get("frame", -1))}
            line = f"frame {facts['frame']} of {facts['video']}, as round {asked.number} says; in no set of this round"
            return Section("from", (line,), facts)
    return Section("from", ("unknown: no set of this round has it",), {"kind": "unknown"})


def _of_render(sample: FoundSample, row: PictureRow) -> Section:
    folder = sample.catalogue.file("render", "--out", "sidecars")
    sidecar = folder / f"{row.path.stem}.json" if folder else None
    scene: dict[str, Any] = read_json(sidecar) if sidecar and sidecar.is_file() else {}
    seeds = {person["seed"]: None for person in row.people if "seed" in person}
    seed = next(iter(seeds), None)
    poses = [str(person.get("pose_name", "unknown")) for person in row.people]
    lines = [
        f"render {row.id} of seed {'unknown' if seed is None else seed}",
        f"poses: {', '.join(poses) or 'nobody'}",
    ]
    if scene:
        light, ground = scene.get("hdri", "unknown"), scene.get("floor", "unknown")
        lines.append(f"light {light}, ground {ground}; params {short_sha256(str(scene.get('fingerprint', 'unknown')))}")
    else:
        lines.append("the scene is unknown: its sidecar is missing")
    bodies = [person.get("phenotype") for person in row.people]
    kept = ("hdri", "floor", "fingerprint", "pixels_sha256")
    facts = {"kind": "render", "seed": seed, "index": row.id, "poses": poses, "bodies": bodies}
    return Section("from", tuple(lines), facts | {key: scene[key] for key in kept if key in scene})


def _of_frame(sample: FoundSample, row: PictureRow) -> Section:
    assert row.place is not None
    video, frame = row.place
    sha256 = film_sha256(sample, row)
    file = film_file(sample, video, sha256)
    time = row.image.get("time_s")
    at = f" at {float(time):.2f} s" if isinstance(time, int | float) and time >= 0 else ""
    known = f"sha256 {short_sha256(sha256)}" if sha256 else "of unknown hash"
    lines = [
        f"frame {frame}{at} of {video}, {known}",
        f"film {shown(file)}" if file else "the film's file is unknown here",
    ]
    group, several_views = str(row.image.get("group", "")), any("keypoints_world_m" in each for each in row.people)
    if several_views:
        camera = video.removesuffix(film_key(video))
        lines.append(f"camera {camera} of recording {group or 'unknown'}; labels are triangulated from all its cameras")
    elif group:
        lines.append(f"taken together with {group}")
    facts = {
        "kind": "film",
        "video": video,
        "frame": frame,
        "time_s": time,
        "film_sha256": sha256 or None,
        "film": str(file) if file else None,
        "group": group or None,
    }
    return Section("from", tuple(lines), facts)


def _of_set(row: PictureRow) -> Section:
    parts = row.path.parts
    source = parts[parts.index("images") + 1] if "images" in parts[:-2] else ""
    group = str(row.image.get("group", ""))
    line = f"a picture of the set {source or 'unknown'}" + (f", taken together with {group}" if group else "")
    return Section("from", (line,), {"kind": "set", "source": source or None, "group": group or None})


def film_sha256(sample: FoundSample, row: PictureRow) -> str:
    """Hash of the film, from the pool's addresses or what is held out of it; "" if unknown."""
    addresses = sample.catalogue.file("ingest", "--out", POOL_ADDRESSES)
    if addresses is not None and row.table == "pool":
        return str(read_json(addresses).get(str(row.id), "")).partition("#")[0]
    assert row.place is not None
    held = (each for each in sample.catalogue.held_out if each["video"] == row.place[0])
    return next((str(each["video_sha256"]) for each in held), "")


def film_file(sample: FoundSample, video: str, sha256: str) -> Path | None:
    """The file of a film, among those that ingest read; its content is compared where the hash is known."""
    stem = video.removesuffix(film_key(video)) or video
    digits = film_key(video).removeprefix("-sha")
    places = sample.catalogue.places
    fetched = places.of("ingest", "--fetched")
    files = [path for path in sorted(fetched.rglob("*")) if path.is_file()] if fetched and fetched.is_dir() else []
    report = sample.catalogue.file("ingest", "--report", "metrics.json")
    films = read_json(report).get("pool_films", []) if report else []
    files += [places.root / str(film["file"]) for film in films if film.get("name") == video]
    for path in dict.fromkeys(files):
        if path.stem == stem and path.suffix.lower() in FILM_SUFFIXES and path.is_file():
            found = sha256_file(path)
            if found == sha256 or (not sha256 and found.startswith(digits)):
                return path
    return None
