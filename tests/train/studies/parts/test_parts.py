from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import COCO_SIGMAS
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.studies.parts import compare_parts
from dataengine.train.studies.parts.page import gains, page
from dataengine.train.studies.parts.plan import BASE_PART, PARTS

from ....helpers.fitting_project import TINY, one_torch_thread, write_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    write_project()
    with one_torch_thread():
        yield


def test_each_part_changes_what_it_says() -> None:
    params = replace(TINY, epochs=8, people_per_epoch=8)
    changed = {name: part(params) for name, part in PARTS.items()}
    assert changed[BASE_PART] == params
    assert changed["half bodies"] == replace(params, augment=replace(params.augment, half_body_share=0.3))
    assert changed["rtmcc"].head == "rtmcc" and "maps_per_joint" not in changed["rtmcc"].network_kwargs
    assert [phase.epochs for phase in changed["two stages"].phases] == [6, 2]
    assert changed["two stages"].augments[1].photometric_share == 0


def test_a_part_is_kept_where_its_gain_is_clear() -> None:
    ap = {(BASE_PART, 0): 0.10, (BASE_PART, 1): 0.20, ("half bodies", 0): 0.15, ("half bodies", 1): 0.251}
    ap |= {("rtmcc", 0): 0.05, ("rtmcc", 1): 0.30}
    assert gains(ap)["half bodies"].mean == pytest.approx(0.0505), "seed by seed"
    lines = page("dataengine compare-parts", ap, planned=7, people=10, images=3, start="random weights")
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[1].startswith("| as it is | 0.150 ±") and rows[1].endswith("| - | - | 2 |")
    assert "6 of 7 fits" in "\n".join(lines)
    clear = {key: value for key, value in ap.items() if key[0] != "rtmcc"}
    assert any(
        "| half bodies |" in line and "| yes | 2 |" in line
        for line in page("", clear, planned=4, people=1, images=1, start="")
    )
    assert any("| rtmcc |" in line and "| no | 2 |" in line for line in lines)


def test_a_study_fits_what_is_missing(project: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"mix": Path("mix"), "val": Path("val.json"), "report": Path("report"), "people": 16, "epochs": 2}
    first = compare_parts.run(TINY, **given, parts=["rtmcc"], seeds=[0])  # type: ignore[arg-type]
    assert set(first) == {(BASE_PART, 0), ("rtmcc", 0)}
    heads = {load_checkpoint(folder / "model")[1].head for folder in Path("report/fits").iterdir()}
    assert heads == {"simcc", "rtmcc"} and "| rtmcc |" in Path("report/parts.md").read_text()
    monkeypatch.setattr(compare_parts, "_fit", None)
    again = compare_parts.run(TINY, **given, parts=["rtmcc"], seeds=[0])  # type: ignore[arg-type]
    assert again == first
    other = OksProtocol(sigmas=COCO_SIGMAS * 2, sigmas_name="own")
    with pytest.raises(TypeError, match="not callable"):  # other sigmas, another AP: there is something to fit
        compare_parts.run(TINY, **given, parts=["rtmcc"], seeds=[0], protocol=other)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="--part is unknown"):
        compare_parts.run(TINY, **given, parts=["more"], seeds=[0])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="--epochs does not fit"):
        compare_parts.run(TINY, **{**given, "people": 15}, parts=[], seeds=[0])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"nothing/train.json does not exist"):
        compare_parts.run(TINY, **{**given, "mix": Path("nothing")}, parts=[], seeds=[0])  # type: ignore[arg-type]
