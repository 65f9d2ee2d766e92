"""Command render-clips: labelled videos of synthetic people who move, with track ids.

For trackers, temporal models and tests of pseudo-labels: every frame has ground truth in pixels and metres.
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
from dataengine.draw import contact_sheet, draw_people
from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.folders import kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

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
_MOST_TICKS = 65_535  # MPEG-4 divides a second into at most this many
_BITS_PER_PIXEL = 1.0  # of the MPEG-4 file: twenty times that of a film, so that pixels stay as rendered


def command(
    out: Annotated[
        Path, out_folder_option(help="Folder of people.json, images/, videos/, clips.jpg; kept between runs.")
    ],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    clips: Annotated[int, typer.Option(help="Number of clips.")] = 4,
    frames: Annotated[int, typer.Option(help="Frames of each clip.")] = 50,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 25.0,
    key_seconds: Annotated[float, typer.Option(help="Seconds from one authored pose to the next.")] = 1.0,
    moving_camera_share: Annotated[float, typer.Option(help="Share of clips whose camera moves, 0 to 1.")] = 0.5,
    speed_m_s: Annotated[float, typer.Option(help="Highest speed of people over the floor, m/s.")] = 0.8,
    mp4: Annotated[bool, typer.Option(help="Also write each clip as videos/NAME.mp4.")] = True,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Render labelled clips: the same people move, through poses of one family or as in a BVH recording.

    Needs what `render` needs. Writes people.json, images/, clips.jpg (a strip of frames per clip) and videos/NAME.mp4.
    Labels are those of `render`; in addition every image has its video and frame number, and every person a `track_id`
    that is unique within the video. Bodies, poses, light and cameras come from section `render`: `motions` and
    `motion_share` say how many people move as recorded, photographs in `backgrounds` appear only where the camera
    stands still, and images, known_poses, occluder_share, motion_blur_share and max_skipped_share have no effect. You
    may stop it at any time: the next run resumes.

    Example: dataengine render-clips --out data/clips --cache data/cache/anny --clips 2 --frames 50
    """
    clip = ClipParams(
        clips=clips,
        frames=frames,
        fps=fps,
        key_seconds=key_seconds,
        moving_camera_share=moving_camera_share,
        speed_m_s=speed_m_s,
    )
    run(load_section(params, "render", RenderParams), clip, out=out, cache=cache, mp4=mp4)


def run(params: RenderParams, clip: ClipParams, *, out: Path, cache: Path, mp4: bool = True) -> None:
    """Make `out` hold what `params` and `clip` ask for.

    Raises `EnvironmentFault` as `render.run` does, `InputError` if a frame could not be rendered: a clip with gaps is
    of little use.
    """
    python = require_blender(params.python)
    require_room(out)
    read_motions(params.motions)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python), known_poses="")
    fingerprint = _fingerprint(params, clip)
    count = clip.clips * clip.frames
    job = Job(MAKER, {"params": params, "clip": clip, "out": out, "cache": cache, "fingerprint": fingerprint})
    outcome = make_missing(params, out, job, fingerprint=fingerprint, count=count, derived=_DERIVED)
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
    say(f"{clip.clips} clips with {len(images)} frames and {len(people)} people in {out}")


def _fingerprint(params: RenderParams, clip: ClipParams) -> str:
    """Hex SHA-256 of everything that decides the pixels of a frame; the number of clips does not."""
    decisive = {name: value for name, value in asdict(clip).items() if name != "clips"}
    text = json.dumps([render_fingerprint(params), decisive, sources_sha256(*CLIPS)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(number: int) -> str:
    return f"clip{number:04d}"


def _write_video(out: Path, number: int, clip: ClipParams, params: RenderParams) -> None:
    """Write the frames as MPEG-4, which every player and OpenCV can read without a licence."""
    import av

    rate = Fraction(clip.fps).limit_denominator(min(1001, int(_MOST_TICKS / clip.fps)))
    target = out / "videos" / f"{_name(number)}.mp4"
    with atomic_path(target) as partial, av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = params.width_px, params.height_px, "yuv420p"
        stream.bit_rate = round(_BITS_PER_PIXEL * params.width_px * params.height_px * clip.fps)
        for frame in range(clip.frames):
            pixels = read_picture(ImagePaths.of(out, number * clip.frames + frame).image)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))


def _write_strips(out: Path, people: People, images: Images, clip: ClipParams) -> None:
    """Write one row of frames with skeletons for each of the first clips."""
    shown_frames = np.linspace(0, clip.frames - 1, min(_STRIP_FRAMES, clip.frames)).round().astype(int)
    tiles, captions = [], []
    for number in range(min(_STRIP_CLIPS, clip.clips)):
        for frame in shown_frames.tolist():
            row = number * clip.frames + frame
            picture = read_picture(str(images.path[row]))
            tiles.append(draw_people(picture, people.take(people.image_id == images.id[row])))
            captions.append(f"{_name(number)} {frame}")
    sheet = contact_sheet(tiles, columns=len(shown_frames), tile=(_TILE_PX, _TILE_PX), captions=captions)
    write_picture(out / "clips.jpg", sheet)
