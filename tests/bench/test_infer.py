"""The benchmark of running a model, without the film that it needs, and the rate of a network that it compares with."""

from pathlib import Path

from dataengine.bench import infer
from dataengine.bench.record import Missing

from ..infer.made import random_network


def test_without_the_film_one_line_says_so(tmp_path: Path) -> None:
    (row,) = infer.run(tmp_path / "none.mp4")
    assert isinstance(row, Missing) and "dataengine fetch" in row.line()


def test_the_network_alone_is_timed_on_as_many_crops(tmp_path: Path) -> None:
    assert infer.network_seconds(random_network(tmp_path / "net"), 3) > 0
