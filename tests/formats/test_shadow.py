"""The folder of a shadow as a source of the pool."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.datasets.sources.pool import write_pool
from dataengine.datasets.sources.user_sources import SourceParams, read_sources
from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.pictures import Named, find_pictures, image_table
from dataengine.formats.reading.content import Limits
from dataengine.pictures.encoding import encode_picture
from dataengine.serving.shadow.folder import Disagreement, ShadowAnswer, append_disagreement
from dataengine.video.sampling import FrameSampling

from ..helpers.held_out import held_out_set

ANSWER = ShadowAnswer("0123456789ab", ((1.0, 2.0),) * 17, (0.5,) * 17, 0.5)


def kept(folder: Path, seed: int) -> Disagreement:
    """A person whom a shadow kept."""
    folder.mkdir(exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    content = encode_picture(image, ".jpg")
    sha256 = hashlib.sha256(content).hexdigest()
    record = Disagreement(
        picture=f"pictures/{sha256}.jpg",
        picture_sha256=sha256,
        box_xywh_px=(1.0, 2.0, 20.0, 30.0),
        champion=ANSWER,
        candidate=ANSWER,
        oks=0.1,
        joint_oks={"nose": 0.1},
        reason="OKS 0.10",
        time="2026-01-01T00:00:00.000+00:00",
        request_id="a",
        perceptual_hash="0" * 16,
        blurred=False,
    )
    append_disagreement(folder, record, content)
    return record


def test_pictures_go_to_the_pool_and_changed_ones_are_bad(tmp_path: Path) -> None:
    folder = tmp_path / "shadow"
    records = [kept(folder, seed) for seed in range(4)]
    (folder / records[1].picture).unlink()
    (folder / records[2].picture).write_bytes((folder / records[3].picture).read_bytes())
    (folder / "pictures" / "other.jpg").write_bytes(b"not on the list")
    assert FORMATS["shadow"].unlabelled
    content = FORMATS["shadow"].read(Path(), folder, Limits())
    assert [Path(path).name for path in content.images.path.tolist()] == [
        Path(records[row].picture).name for row in (0, 3)
    ]
    assert (content.images.width.tolist(), content.images.height.tolist()) == ([30, 30], [40, 40])
    assert len(content.people) == 0 and content.records == 4
    assert [record.reason for record in content.bad] == [
        "the image does not exist",
        "the picture is not the one that was kept",
    ]


def test_the_folder_is_a_source_of_the_pool_without_what_is_held_out(tmp_path: Path) -> None:
    records = [kept(tmp_path / "shadow", seed) for seed in range(3)]
    (source,) = read_sources([SourceParams(name="doubted", format="shadow", images=str(tmp_path / "shadow"))], Limits())
    assert source.unlabelled
    tested = find_pictures([Named("a", records[1].picture)], tmp_path / "shadow", Limits(), [])["a"]
    held_out = held_out_set(image_table([tested]))
    account = write_pool(
        tmp_path / "out", [source], [], sampling=FrameSampling(), longest_side_px=640, held_out=held_out
    )
    assert (account.kept, [out.kind for out in account.left_out]) == (2, ["same file"])
    _, pool = read_people(tmp_path / "out" / "pool.json", root=tmp_path / "out")
    hashes = [records[row].picture_sha256 for row in (0, 2)]
    assert [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in pool.path.tolist()] == hashes


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder that `dataengine serve --shadow` wrote"):
        FORMATS["shadow"].read(Path(), tmp_path, Limits())
