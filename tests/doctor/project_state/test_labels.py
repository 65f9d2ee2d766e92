"""Labels and their pictures."""

import pytest

from dataengine.doctor.project_state import labels
from dataengine.doctor.project_state.kept import Kept
from dataengine.errors import InputError

from .kept_project import put_right


def test_labels_and_pictures(kept: Kept) -> None:
    pictures = sorted((kept.labels / "pictures").iterdir())
    (file,) = kept.labels.glob("*.json")
    good = {path: path.read_bytes() for path in (*pictures, file)}
    file.unlink()
    assert len(put_right(labels.check_label_files(kept))) == 1
    assert {path: path.read_bytes() for path in good} == good
    (kept.labels / "pictures" / "stray.png").write_bytes(b"x")
    (kept.labels / "pictures.dvc").unlink()
    assert [each.result.status for each in labels.check_pictures(kept)] == ["note", "note"]
    stray = kept.labels / "aaaaaaaaaaaa.json"
    stray.write_text("{}")
    (found,) = labels.check_label_files(kept)
    assert found.repair is None and "in no commit" in found.result.fix


def test_a_picture_that_is_nowhere_is_listed_and_nothing_moves(kept: Kept) -> None:
    """The cache holds another picture under the name of the right one, as after a bad disk; the remote is gone."""
    picture = sorted((kept.labels / "pictures").iterdir())[0]
    picture.write_bytes(b"worse")
    for cached in (kept.root / ".dvc/cache/files").rglob("*"):
        if cached.is_file():
            cached.chmod(0o644)
            cached.write_bytes(b"worse")
    (kept.root / ".dvc/config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /nowhere\n")
    (found,) = labels.check_pictures(kept)
    assert found.repair
    with pytest.raises(InputError, match=picture.name):
        found.repair()
    assert picture.read_bytes() == b"worse"
