"""The page of judges, where a figure is not known."""

import json
import math
from pathlib import Path

from dataengine.judges.judges_page import JudgeRow, write_judges_page
from dataengine.judges.ranking import JudgeFigures


def test_an_area_that_is_not_known_is_a_dash(tmp_path: Path) -> None:
    unknown = JudgeFigures(math.nan, (math.nan, math.nan), (0.0, 0.0), 0.0)
    rows = [JudgeRow("clips/people.json", 1, 1, 34, 0.0, "blazepose", "flip", unknown)]
    write_judges_page(tmp_path, rows, "dataengine compare-judges")
    assert "| flip | - | 0.0% | 0.0% | 0.0000 |" in (tmp_path / "judges.md").read_text()
    assert json.loads((tmp_path / "metrics.json").read_text())[0]["figures"]["auroc"] is None
