from pathlib import Path

import pytest
import yaml

from dataengine.errors import InputError, ParamsError
from dataengine.registry.pinned import pinned_champion
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry


def write_params(folder: Path, compare: object) -> Path:
    write_registry(folder / "registry.json", Registry())
    path = folder / "params.yaml"
    registry = {"file": str(folder / "registry.json"), "store": str(folder / "store")}
    path.write_text(yaml.safe_dump({"registry": registry, "compare": compare}))
    return path


def test_no_champion_is_pinned_before_the_first_promotion(tmp_path: Path) -> None:
    assert pinned_champion(write_params(tmp_path, {"champion": "", "alpha": "not looked at"})) is None


def test_a_champion_that_the_registry_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'abc'.*begin-round"):
        pinned_champion(write_params(tmp_path, {"champion": "abc"}))


@pytest.mark.parametrize(("compare", "words"), [({}, "lacks a key: expected champion"), ({"champion": 1}, "got 1")])
def test_a_section_without_a_champion_is_one_clear_line(tmp_path: Path, compare: object, words: str) -> None:
    with pytest.raises(ParamsError, match=words):
        pinned_champion(write_params(tmp_path, compare))
