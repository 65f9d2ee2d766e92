"""Parts of a study's page."""

import json
import math
from pathlib import Path

import cv2

from dataengine.studies.page import (
    STYLES,
    command_line,
    interval_note,
    new_figure,
    paragraph,
    unfinished,
    write_metrics,
    write_page,
)


def test_the_command_line_repeats_options_and_leaves_empty_ones_out() -> None:
    line = command_line("sweep-mix", full_share="0.5", seed=(0, 1), once=[], set=["a.b=1"])
    assert line == "dataengine sweep-mix --full-share 0.5 --seed 0 --seed 1 --set a.b=1 --report reports/sweep-mix"


def test_a_whole_study_has_no_line_about_what_is_missing() -> None:
    assert unfinished(3, 3, "fit") == []
    assert unfinished(2, 3, "fit") == ["**Unfinished: 2 of 3 fits are known.**", ""]


def test_a_paragraph_keeps_its_words_in_short_lines() -> None:
    sentences = (interval_note("the ratios", "people"), "", "Every ratio sees the real people equally often." * 3)
    lines = paragraph(*sentences)
    assert max(map(len, lines)) <= 118 and len(lines) > 1
    assert " ".join(lines) == f"{sentences[0]} {sentences[2]}"


def test_page_and_plot_are_written_and_the_same_plot_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        figure = new_figure(3, 2)
        axes = figure.add_subplot()
        for color, marker in STYLES:
            axes.plot([0, 1], [1, 0], color=color, marker=marker)
        write_page(tmp_path, name, ["# A page", "", "text ± 1"], figure)
    assert (tmp_path / "one.md").read_text(encoding="utf-8") == "# A page\n\ntext ± 1\n"
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert cv2.imread(str(tmp_path / "one.png")).shape[:2] == (220, 330)
    assert len(set(STYLES)) == 8 and len(list(tmp_path.iterdir())) == 4


def test_what_is_not_known_is_null_in_the_figures(tmp_path: Path) -> None:
    write_metrics(tmp_path, [{"interval": (math.nan, 0.5), "name": "a", "deeper": {"ap": math.nan}}])
    known = json.loads((tmp_path / "metrics.json").read_text())
    assert known == [{"interval": [None, 0.5], "name": "a", "deeper": {"ap": None}}]
