"""The user's own surroundings: found, checked before the first image, and cut to the picture."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.surroundings import background_files, read_backdrop, surrounding_files
from dataengine.errors import InputError


def test_bad_surroundings_are_refused(small_params: RenderParams, tmp_path: Path) -> None:
    assert surrounding_files(small_params) == ()
    with pytest.raises(InputError, match="hdris"):
        surrounding_files(replace(small_params, hdris=[str(tmp_path / "sky.exr")]))
    (tmp_path / "page.exr").write_text("<html>not found</html>")
    with pytest.raises(InputError, match=r"page\.exr.*OpenEXR"):
        surrounding_files(replace(small_params, hdris=[str(tmp_path / "page.exr")]))
    with pytest.raises(InputError, match="no photographs"):
        background_files(replace(small_params, backgrounds=str(tmp_path)))
    whole = cv2.imencode(".jpg", np.full((40, 60, 3), 90, np.uint8))[1].tobytes()
    for content in (b"no picture", whole[: len(whole) // 2]):
        (tmp_path / "broken.jpg").write_bytes(content)
        files = background_files(replace(small_params, backgrounds=str(tmp_path)))
        with pytest.raises(InputError, match=r"broken\.jpg"):
            read_backdrop(files, 0.5, 32, 32)


@pytest.mark.parametrize("shape", [(40, 90), (300, 70), (64, 48)])
def test_a_backdrop_fills_the_picture(shape: tuple[int, int], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((*shape, 3), 10, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((*shape, 3), 200, np.uint8))
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for choice, value in ((0.0, 10), (0.49, 10), (0.5, 200), (1.0, 200)):
        backdrop = read_backdrop(files, choice, 64, 48)
        assert backdrop.shape == (48, 64, 3)
        assert (backdrop == value).all()
