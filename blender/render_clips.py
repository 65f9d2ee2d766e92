"""Command render-clips: labelled videos of synthetic people who move, with track ids.

For trackers, temporal models and tests of pseudo-labels: what moves is known in every frame, in pixels and metres.
"""

import hashlib
import json
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.coco_json import write_people
from dataengine.crops.pixels import read_image
from dataengine.draw import contact_sheet, draw_people
from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.pictures import write_picture
from dataengine.terminal.progress import track

from .batch.fingerprint import render_fingerprint
from .batch.labels import read_records
from .batch.missing import make_missing, require_room
from .batch.paths import ImagePaths
from .batch.records import assemble
from .batch.sources import CLIPS, sources_sha256
from .body.cache import prepare_body_cache
from .clips.spec import ClipParams
from .devices.resolve import resolve_device
from .poses.motion import read_motions
from .scene.params import RenderParams
from .workers.interpreter import require_blender
from .workers.job import Job

MAKER = "dataengine.blender.clips.maker:ClipMaker"
_STRIP_FRAMES, _STRIP_CLIPS, _TILE_PX = 8, 12, 160
_DERIVED = ("people.json", "clips.jpg", "videos/clip*.mp4")
_MOST_TICKS = 65_535  # a second of MPEG-4 is divided into so many at most
_BITS_PER_PIXEL = 1.0  # of the MPEG-4 file; twenty times what a film has, so that pixels stay what was rendered


def command(
    out: Annotated[Path, typer.Option(help="Folder of people.json, images/, videos/, clips.jpg; kept between runs.")],
    cache: Annotated[Path, typer.Option(help="Folder of the built body model; made when it is not there.")],
    clips: Annotated[int, typer.Option(help="How many clips.")] = 4,
    frames: Annotated[int, typer.Option(help="Frames of each clip.")] = 50,
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 25.0,
    key_seconds: Annotated[float, typer.Option(help="From one authored pose to the next.")] = 1.0,
    moving_camera_share: Annotated[float, typer.Option(help="Share of clips whose camera moves, 0 to 1.")] = 0.5,
    speed_m_s: Annotated[float, typer.Option(help="Most that people drift over the floor.")] = 0.8,
    mp4: Annotated[bool, typer.Option(help="Also write each clip as videos/NAME.mp4.")] = True,
    params: Annotated[Path, typer.Option(help="File with the section `render`: bodies, poses, light.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Render clips of the same people moving through poses of one family, or a BVH recording, past a camera.

    Labels are those of `render`, and beside them every picture has its video and frame, every person a `track_id` that
    is its own throughout the video. Of section render, motion_share and motions say how many people move as recorded;
    images, occluder_share, motion_blur_share and max_skipped_share mean nothing here; photographs stand behind people
    whom a still camera films. Stop it when you like: the next run goes on.

    Example: dataengine render-clips --out data/clips --cache data/cache/anny --clips 2 --frames 50
    """
    clip = ClipParams(clips, frames, fps, key_seconds, moving_camera_share, speed_m_s)
    run(load_section(params, "render", RenderParams), clip, out, cache, mp4=mp4)


def run(params: RenderParams, clip: ClipParams, out: Path, cache: Path, *, mp4: bool = True) -> None:
    """Bring `out` to what `params` and `clip` ask for.

    Raises `EnvironmentFault` as `render.run` does, `InputError` where a frame could not be rendered: a clip with holes
    would be worth little.
    """
    python = require_blender(params.python)
    require_room(out)
    read_motions(params.motions)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python))
    fingerprint = _fingerprint(params, clip)
    count = clip.clips * clip.frames
    job = Job(MAKER, {"params": params, "clip": clip, "out": out, "cache": cache, "fingerprint": fingerprint})
    outcome = make_missing(params, out, job, fingerprint, count, _DERIVED)
    if outcome.skipped:
        index, reason = min(outcome.skipped.items())
        raise InputError(f"frame {index % clip.frames} of {_name(index // clip.frames)} cannot be rendered", got=reason)
    records = read_records(out, count)
    people, images = assemble(
        records,
        out,
        (params.width_px, params.height_px),
        params.seed,
        video=[_name(record["clip"]) for record in records],
        frame=[record["frame"] for record in records],
    )
    info = {"description": "clips of synthetic people", "seed": params.seed, "fps": clip.fps}
    write_people(out / "people.json", people, images, info=info)
    if mp4:
        (out / "videos").mkdir(exist_ok=True)
        for number in track(range(clip.clips), "videos", unit="clip"):
            _write_video(out, number, clip, params)
    _write_strips(out, people, images, clip)
    typer.echo(f"{clip.clips} clips with {len(images)} frames and {len(people)} people in {out}", err=True)


def _fingerprint(params: RenderParams, clip: ClipParams) -> str:
    """Of all that decides the pixels of a frame; more clips keep those that are there."""
    decisive = {name: value for name, value in asdict(clip).items() if name != "clips"}
    text = json.dumps([render_fingerprint(params), decisive, sources_sha256(*CLIPS)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(number: int) -> str:
    return f"clip{number:04d}"


def _write_video(out: Path, number: int, clip: ClipParams, params: RenderParams) -> None:
    """The frames as MPEG-4, which every player and OpenCV read without a licence."""
    import av

    rate = Fraction(clip.fps).limit_denominator(min(1001, int(_MOST_TICKS / clip.fps)))
    target = out / "videos" / f"{_name(number)}.mp4"
    with atomic_path(target) as partial, av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = params.width_px, params.height_px, "yuv420p"
        stream.bit_rate = round(_BITS_PER_PIXEL * params.width_px * params.height_px * clip.fps)
        for frame in range(clip.frames):
            pixels = read_image(ImagePaths.of(out, number * clip.frames + frame).image)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))


def _write_strips(out: Path, people: People, images: Images, clip: ClipParams) -> None:
    """A line of frames with skeletons for each of the first clips."""
    shown = np.linspace(0, clip.frames - 1, min(_STRIP_FRAMES, clip.frames)).round().astype(int)
    tiles, captions = [], []
    for number in range(min(_STRIP_CLIPS, clip.clips)):
        for frame in shown.tolist():
            row = number * clip.frames + frame
            picture = read_image(str(images.path[row]))
            tiles.append(draw_people(picture, people.take(people.image_id == images.id[row])))
            captions.append(f"{_name(number)} {frame}")
    sheet = contact_sheet(tiles, columns=len(shown), tile=(_TILE_PX, _TILE_PX), captions=captions)
    write_picture(out / "clips.jpg", sheet)
