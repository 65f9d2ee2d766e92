from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.files import write_json
from dataengine.summary import size_text, summary_lines

PIPELINE = """
stages:
  render:
    cmd: dataengine render
    outs:
      - data/render:
          persist: true
    metrics:
      - reports/render/metrics.json:
          cache: false
  promote:
    cmd: dataengine promote
    outs: [reports/promote]
"""


def test_it_says_what_was_made_where_and_what_was_measured(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "data/render").mkdir(parents=True)
    (tmp_path / "data/render/a.png").write_bytes(bytes(1500))
    write_json(tmp_path / "reports/render/metrics.json", {"images": 3, "ok": True, "speed": {"images_per_s": 0.81234}})
    lines = list(summary_lines(tmp_path / "dvc.yaml"))
    render = next(line for line in lines if line.startswith("render"))
    assert render.split() == ["render", "data/render", "2", "kB", "images", "3,", "speed.images_per_s", "0.8123"]
    assert "not made" in next(line for line in lines if line.startswith("promote"))
    assert not any(line.startswith("Verdict") for line in lines)
    assert [line.split()[0] for line in lines[lines.index("Next") + 1 :]] == ["rest", "metrics", "change"]
    write_json(tmp_path / "data/select/to_label.json", {})
    (tmp_path / "reports/compare").mkdir()
    (tmp_path / "reports/compare/report.html").touch()
    write_json(tmp_path / "reports/promote/promotion.json", {"outcome": "refused", "reason": "It lost 0.2 AP."})
    lines = list(summary_lines(tmp_path / "dvc.yaml"))
    assert "Verdict: It lost 0.2 AP." in lines
    steps = [line.split()[0] for line in lines[lines.index("Next") + 1 :]]
    assert steps == ["look", "compare", "metrics", "change", "round"], "nothing is named that is not there"


def test_a_folder_without_a_pipeline_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dvc\.yaml cannot be read"):
        list(summary_lines(tmp_path / "dvc.yaml"))


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (2_500_000, "2 MB")])
def test_sizes(tmp_path: Path, size: int, text: str) -> None:
    (tmp_path / "a").write_bytes(bytes(size))
    assert size_text(tmp_path / "a") == text
