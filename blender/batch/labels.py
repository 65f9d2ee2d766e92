"""What is made from all images of a batch: people.json and the contact sheet."""

from pathlib import Path
from typing import Any

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.people import Images, People
from dataengine.terminal.speech import say

from ..scene.params import RenderParams
from .paths import LEFT_OUT, ImagePaths
from .quality import QUALITY_NAME, Keeping, NothingKept, write_quality
from .records import assemble
from .workforce import Outcome

LABELS = ("people.json", "contact_sheet.jpg", QUALITY_NAME)
_SHEET_TILES, _SHEET_COLUMNS, _SHEET_TILE_PX = 64, 8, 256


def write_labels(params: RenderParams, out: Path, outcome: Outcome, count: int) -> Keeping:
    """Write people.json, a contact sheet and quality.json for those of `count` images that were made.

    Raises `InputError` if more failed than `max_skipped_share` allows, `NothingKept` if no image is left.
    """
    _check_skipped(out, outcome, params, count)
    all_records = read_records(out, count)
    quality = Keeping.of(all_records)
    if not quality.images:
        got = f"{count} images tried{quality.words()}"
        raise NothingKept(f"no image of {out} is worth keeping", got=got, fix="change camera, light or poses")
    records = [record for record in all_records if LEFT_OUT not in record]
    people, images = assemble(records, out, (params.width_px, params.height_px), params.seed)
    write_people(out / "people.json", people, images, info={"description": "synthetic people", "seed": params.seed})
    _write_contact_sheet(out, people, images)
    write_quality(out, quality)
    say(f"{len(images)} images with {len(people)} people in {out}{quality.words()}")
    return quality


def read_records(out: Path, count: int) -> list[dict[str, Any]]:
    """The sidecars of those of `count` images that were made or left out, in order."""
    sidecars = [ImagePaths.of(out, index).sidecar for index in range(count)]
    return [read_json(path) for path in sidecars if path.exists()]


def _check_skipped(out: Path, outcome: Outcome, params: RenderParams, count: int) -> None:
    if len(outcome.skipped) > params.max_skipped_share * count:
        raise InputError(
            f"{len(outcome.skipped)} of {count} images could not be rendered, listed in {out / 'skipped.json'}",
            got=f"first: {outcome.skipped[min(outcome.skipped)]}",
            fix="fix the cause, or raise render.max_skipped_share",
        )


def _write_contact_sheet(out: Path, people: People, images: Images) -> None:
    """Draw the first images with their skeletons on one page."""
    from dataengine.draw import contact_sheet, draw_people
    from dataengine.pictures.encoding import write_picture
    from dataengine.pictures.reading.decoding import read_picture

    tiles = []
    for row in range(min(_SHEET_TILES, len(images))):
        picture = read_picture(str(images.path[row]))
        tiles.append(draw_people(picture, people.take(people.image_id == images.id[row])))
    sheet = contact_sheet(tiles, columns=_SHEET_COLUMNS, tile=(_SHEET_TILE_PX, _SHEET_TILE_PX))
    write_picture(out / "contact_sheet.jpg", sheet)
