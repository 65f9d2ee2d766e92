"""The command on drawn people: networks are fitted on halves, wrong labels lead, and a second run fits nothing."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.errors import InputError, ParamsError
from dataengine.mistakes.suspects import Suspect, current, read_suspects
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.train import find_mistakes
from dataengine.train.fit.params import BASE
from dataengine.train.mistakes.hypotheses import EXCHANGES, exchanged
from dataengine.train.mistakes.params import SECTION, FindMistakesParams

from ...helpers.dots.dot_networks import adopted_dot_network
from ...helpers.drawn_people import draw_standing_people
from ...helpers.fitting_project import one_torch_thread
from .search_params import SEARCH

WRONG = np.arange(0, 160, 20)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_torch_thread():
        yield


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[People, Images]:
    """People of whom some have their sides exchanged, as `set/people.json`."""
    monkeypatch.chdir(tmp_path)
    truth, images = draw_standing_people(Path("set"), 160, seed=5)
    people = exchanged(truth, EXCHANGES["sides"], WRONG)
    write_people(Path("set/people.json"), people, images)
    return people, images


def find(params: FindMistakesParams = SEARCH, *, adopted: Sequence[Path] = (), networks: bool = True) -> list[Suspect]:
    people, images, out = Path("set/people.json"), Path("set"), Path("out")
    return find_mistakes.run(params, annotations=people, images=images, out=out, adopted=adopted, networks=networks)


def test_wrong_labels_lead_and_what_is_written_says_who(
    drawn: tuple[People, Images], capsys: pytest.CaptureFixture[str]
) -> None:
    params = replace(SEARCH, epochs=4, draws_per_epoch=12, ema_decay=0.9)
    find(params)
    suspects = read_suspects(Path("out/mistakes.json"))
    rows = [row for _, row in current(suspects, *drawn)]
    assert set(rows[: len(WRONG)]) == set(WRONG.tolist())
    worst = suspects[0]
    assert worst.kind == "sides" and worst.probability > 0.5 and worst.evidence["networks"] > 0
    assert worst.suggested["left_wrist"] == pytest.approx(drawn[0].keypoints_px[rows[0], 10], abs=0.06)
    table = list(csv.DictReader(Path("out/scores.csv").read_text().splitlines()))
    assert len(table) == 160 and table[rows[0]]["id"] == worst.id
    assert float(table[rows[0]]["sides"]) == worst.probability
    assert "suspects in out/mistakes.json" in capsys.readouterr().out


def test_a_second_run_fits_nothing_and_writes_the_same(drawn: tuple[People, Images]) -> None:
    find()
    first = Path("out/mistakes.json").read_bytes()
    fitted = {path: path.stat().st_mtime_ns for path in Path("out").rglob("model.safetensors")}
    find()
    assert len(fitted) == 2
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("model.safetensors")} == fitted
    assert Path("out/mistakes.json").read_bytes() == first


def test_another_network_alone(drawn: tuple[People, Images], tmp_path: Path) -> None:
    find(adopted=[adopted_dot_network(tmp_path / "dots")], networks=False)
    assert not list(Path("out").rglob("model.safetensors")) and list(Path("out/kept").glob("dots-*.npz"))


def test_what_cannot_be_searched_is_refused(drawn: tuple[People, Images]) -> None:
    with pytest.raises(ParamsError, match="nobody is asked"):
        find(networks=False)
    people, images = drawn
    write_people(Path("set/people.json"), people, images.replace(group="one room"))
    with pytest.raises(InputError, match="too few scenes"):
        find_mistakes.run(
            SEARCH,
            annotations=Path("set/people.json"),
            images=Path("set"),
            out=Path("out"),
            source_format="dataengine",
        )
    write_people(Path("set/people.json"), people.take([]), images)
    with pytest.raises(InputError, match="has no people"):
        find()


@pytest.mark.parametrize("change", [{"folds": 1}, {"prior": 0.0}, {"prior": 0.5}, {"flag_prior": 1.0}, {"listed": 0.0}])
def test_senseless_parameters_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match=next(iter(change))):
        replace(SEARCH, **change)  # type: ignore[arg-type]


def test_the_section_of_the_project_is_read(repository: Path) -> None:
    params = load_section(repository / "params.yaml", SECTION, FindMistakesParams, base=BASE)
    assert params.folds >= 2 and params.head == "heatmap"
