"""Fixtures of the formats' tests."""

from pathlib import Path

import pytest

from .writing_samples import write_image


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The folder of four pictures, and a secret next to it."""
    for number in range(4):
        write_image(tmp_path / "images" / f"{number}.png")
    write_image(tmp_path / "secret.png")
    return tmp_path / "images"
