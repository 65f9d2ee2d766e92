"""The plugin is linked next to a user's own plugins, and none of these is lost."""

from pathlib import Path

import pytest

from dataengine.active.curation.plugin_link import PLUGIN, SOURCE, link_plugin
from dataengine.errors import EnvironmentFault


def test_the_link_joins_other_plugins_and_follows_the_installation(tmp_path: Path) -> None:
    own = tmp_path / "@me/plugin/fiftyone.yml"
    own.parent.mkdir(parents=True)
    own.write_text("name: '@me/plugin'")
    link = link_plugin(tmp_path)
    assert link == tmp_path / PLUGIN and link.resolve() == SOURCE.resolve()
    assert (link / "fiftyone.yml").is_file() and own.is_file()
    assert link_plugin(tmp_path) == link, "twice is once"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert link_plugin(tmp_path, elsewhere).resolve() == elsewhere, "of another installation: exchanged"
    assert [path.name for path in link.parent.iterdir()] == ["pose"]


def test_somebody_elses_folder_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / PLUGIN).mkdir(parents=True)
    (tmp_path / PLUGIN / "mine.py").write_text("")
    with pytest.raises(EnvironmentFault, match=r"is not ours: expected a link"):
        link_plugin(tmp_path)
    assert (tmp_path / PLUGIN / "mine.py").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be linked into"):
        link_plugin(tmp_path / "file")
