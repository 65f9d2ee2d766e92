from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.train.deploy.out_folder import refuse_foreign


def test_an_export_an_empty_folder_and_none_are_replaced(exported: dict[str, Path], tmp_path: Path) -> None:
    refuse_foreign(exported["good"])
    refuse_foreign(tmp_path)
    refuse_foreign(tmp_path / "new")


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "overlay/picture.jpg", "model.pt"])
def test_foreign_files_are_not_lost(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(
        InputError, match=f"would be replaced: expected an export, or nothing, got {name.split('/')[0]}"
    ):
        refuse_foreign(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_a_checkpoint_is_not_an_export(round_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a checkpoint"):
        refuse_foreign(round_folder / "steps60")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="got a checkpoint"):
        refuse_foreign(tmp_path)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="a folder of its own"):
        refuse_foreign(tmp_path / "model.onnx")
    with pytest.raises(InputError, match="a folder of its own"):
        refuse_foreign(Path("/"))
