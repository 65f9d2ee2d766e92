"""The page of trackers, of films that are one scene."""

import json
import math
from pathlib import Path

from dataengine.tracking.comparison_page import Row, write_comparison_page
from dataengine.tracking.scores import TrackerFigures


def test_films_of_one_scene_have_no_interval(tmp_path: Path) -> None:
    figures = TrackerFigures(0.9, 0.8, (math.nan, math.nan), 0.7, 3, 2, 5)
    write_comparison_page(tmp_path, [Row("a/people.json", "boxes", 4, 1, 4, "keypoints", figures, 900.0)], "called")
    page = (tmp_path / "tracking.md").read_text()
    assert "4 films of 1 scene, 4 people." in page
    assert "| keypoints | 0.900 | 0.800 | 0.700 | 3 | 2 | 5 | 900 |" in page
    assert json.loads((tmp_path / "metrics.json").read_text())[0]["figures"]["interval_oks"] == [None, None]
