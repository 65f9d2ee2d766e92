"""LSP, LSPET and the MPII release: files made with scipy.io, read back by hand from the same arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits

from .writing_samples import HEIGHT, WIDTH, write_image

# COCO-17 index -> row of LSP, from its README: right leg up, left leg down, right arm up, left arm down, neck, head top
LSP = {16: 0, 14: 1, 12: 2, 11: 3, 13: 4, 15: 5, 10: 6, 8: 7, 6: 8, 5: 9, 7: 10, 9: 11}


def joints(count: int, seed: int = 0) -> np.ndarray:
    """(14, 3, count): MATLAB pixels and a flag of 0 or 1, at least one of each a person."""
    rng = np.random.default_rng(seed)
    matrix = np.empty((14, 3, count))
    matrix[:, 0] = rng.uniform(2, WIDTH - 2, (14, count))
    matrix[:, 1] = rng.uniform(2, HEIGHT - 2, (14, count))
    matrix[:, 2] = rng.integers(0, 2, (14, count))
    matrix[0, 2], matrix[1, 2] = 0, 1
    return matrix


def save(folder: Path, matrix: np.ndarray, digits: int) -> Path:
    for number in range(matrix.shape[2]):
        write_image(folder / "images" / f"im{number + 1:0{digits}d}.jpg")
    scipy.io.savemat(folder / "joints.mat", {"joints": matrix}, do_compression=True)
    return folder / "joints.mat"


@pytest.mark.parametrize("count", [1, 5])
def test_lspet_flags_say_labelled(tmp_path: Path, count: int) -> None:
    matrix = joints(count)
    content = FORMATS["lsp"].read(save(tmp_path, matrix, 5), tmp_path / "images", Limits())
    assert (len(content.people), len(content.bad), content.records) == (count, 0, 2 * count)
    for joint in range(17):
        flag = matrix[LSP[joint], 2] * 2 if joint in LSP else np.zeros(count)
        np.testing.assert_array_equal(content.people.visibility[:, joint], flag)
        if joint in LSP:
            expected = np.where(flag > 0, matrix[LSP[joint], :2] - 1, 0).T
            np.testing.assert_allclose(content.people.keypoints_px[:, joint], expected, rtol=1e-6)
    counted = {name: int(matrix[row, 2].sum()) for name, row in (("neck", 12), ("head_top", 13))}
    assert content.dropped_joints == {name: number for name, number in counted.items() if number}


def test_lsp_flags_say_occluded_and_every_joint_is_labelled(tmp_path: Path) -> None:
    matrix = joints(4)
    content = FORMATS["lsp"].read(save(tmp_path, matrix.transpose(1, 0, 2), 4), tmp_path / "images", Limits())
    for joint, row in LSP.items():
        np.testing.assert_array_equal(content.people.visibility[:, joint], np.where(matrix[row, 2] == 1, 1, 2))
    assert not content.people.visibility[:, :5].any()
    assert content.dropped_joints == {"neck": 4, "head_top": 4}


def test_two_images_of_one_number_are_neither(tmp_path: Path) -> None:
    path = save(tmp_path, joints(3), 5)
    write_image(tmp_path / "images/im00002.png")
    content = FORMATS["lsp"].read(path, tmp_path / "images", Limits())
    assert len(content.people) == 2
    assert [record.reason for record in content.bad] == ["another image has its number: im00002.png", "image 2 is bad"]


def test_bad_rows_of_lspet_do_not_lose_the_others(tmp_path: Path) -> None:
    matrix = joints(6)
    matrix[1, 0, 1] = np.nan  # a labelled joint
    matrix[0, :2, 2] = np.inf  # a joint without a label: LSPET leaves anything there
    matrix[3, 2, 3] = 7
    matrix[:, 2, 4] = 0
    matrix[1, 0, 5] = 5000  # beyond the border
    path = save(tmp_path, matrix, 5)
    (tmp_path / "images/im00001.jpg").unlink()
    content = FORMATS["lsp"].read(path, tmp_path / "images", Limits())
    assert {(record.table, record.id): record.reason for record in content.bad} == {
        ("images", "1"): "the image does not exist",
        ("annotations", "1"): "image 1 is bad",
        ("annotations", "2"): "a keypoint is not a finite number",
        ("annotations", "4"): "a flag is not 0 or 1",
    }
    assert content.people.extras["source_id"].tolist() == [3, 6]
    assert content.without_labels == 1
    assert content.dropped_joints["joints outside the image"] == 1


def release(folder: Path) -> Path:
    """Three images: two people, one person and a test image; flags as numbers, characters and nothing."""

    def point(joint: int, x: float, y: float, flag: Any) -> dict[str, Any]:
        return {"id": joint, "x": x, "y": y, "is_visible": flag}

    empty = np.empty((0, 0))
    people = [
        {"x1": 5.0, "scale": 1.0, "annopoints": {"point": _structs([point(0, 11, 21, 1), point(9, 12, 3, empty)])}},
        {
            "x1": 6.0,
            "scale": 1.0,
            "annopoints": {"point": _structs([point(15, 41, 22, "0"), point(12, 31, 12, empty)])},
        },
    ]
    alone = {"x1": 5.0, "scale": 1.0, "annopoints": {"point": _structs([point(13, 51, 30, "1")])}}
    annolist = _structs(
        [
            {"image": {"name": "a.jpg"}, "annorect": _structs(people), "vididx": 7},
            {"image": {"name": "b.jpg"}, "annorect": _structs([alone]), "vididx": empty},
            {"image": {"name": "../c.jpg"}, "annorect": _structs([{"scale": 2.0}]), "vididx": 7},
        ]
    )
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write_image(folder / "images" / name)
    scipy.io.savemat(folder / "mpii.mat", {"RELEASE": {"annolist": annolist}}, oned_as="row")
    return folder / "mpii.mat"


def _structs(records: list[dict[str, Any]]) -> np.ndarray:
    """A MATLAB struct array."""
    array = np.empty((1, len(records)), dtype=[(name, object) for name in records[0]])
    for column, record in enumerate(records):
        for name, value in record.items():
            array[name][0, column] = value
    return array


def test_the_mpii_release_keeps_occlusion_and_counts_what_has_no_flag(tmp_path: Path) -> None:
    content = FORMATS["mpii"].read(release(tmp_path), tmp_path / "images", Limits())
    assert [(r.table, r.id, r.reason) for r in content.bad] == [
        ("images", "3", "file_name '../c.jpg' leaves the image folder"),
        ("annotations", "3.1", "image 3 is unknown or bad"),
    ]
    assert content.people.extras["source_id"].tolist() == ["1.1", "1.2", "2.1"]
    assert content.images.group.tolist() == ["video 7", ""]
    labels = [{j: int(v) for j, v in enumerate(row) if v} for row in content.people.visibility]
    assert labels == [{16: 2}, {6: 2, 9: 1}, {5: 2}]
    np.testing.assert_array_equal(content.people.keypoints_px[1, [6, 9]], [[30, 11], [40, 21]])
    assert content.dropped_joints == {"head_top": 1, "joints without is_visible, read as visible": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\0" * 200, "cannot be read"),
        (b"MATLAB 5.0 MAT-file" + b" " * 105 + b"\0\1IM" + b"\xff" * 400, "cannot be read"),
    ],
)
def test_a_corrupt_mat_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "joints.mat").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        FORMATS["lsp"].read(tmp_path / "joints.mat", tmp_path, Limits())
    assert "\n" not in str(caught.value)


def test_every_cut_and_most_damage_of_a_mat_is_one_line(tmp_path: Path) -> None:
    whole = save(tmp_path, joints(3), 5).read_bytes()
    rng = np.random.default_rng(0)
    for attempt in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(256)
        path = tmp_path / "damaged.mat"
        path.write_bytes(bytes(damaged) if attempt % 2 else whole[: rng.integers(1, len(whole))])
        try:
            content = FORMATS["lsp"].read(path, tmp_path / "images", Limits())
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert content.records == 6


@pytest.mark.parametrize(
    "variables",
    [
        {"other": np.zeros(3)},
        {"joints": np.array([[{"a": 1}]], dtype=object)},
        {"joints": "text"},
        {"joints": np.zeros((4, 4))},
    ],
)
def test_other_variables_are_refused(tmp_path: Path, variables: dict[str, Any]) -> None:
    scipy.io.savemat(tmp_path / "joints.mat", variables)
    with pytest.raises(InputError, match=r"cannot be read|other joints"):
        FORMATS["lsp"].read(tmp_path / "joints.mat", tmp_path, Limits())
