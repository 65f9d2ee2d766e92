from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from dataengine.errors import ParamsError
from dataengine.params import load_key, load_section


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]


@dataclass(frozen=True)
class Section:
    epochs: int
    rate: float
    mode: Literal["fast", "exact"]
    inner: Inner
    names: list[str]
    note: str | None = None


GOOD = """
fit-student:
  epochs: 3
  rate: 1
  mode: fast
  inner: {size: [2, 4]}
  names: [a, b]
"""


def load(tmp_path: Path, text: str) -> Section:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_section(path, "fit-student", Section)


def test_a_section_becomes_its_dataclass(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == Section(3, 1.0, "fast", Inner((2, 4)), ["a", "b"], None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 3", "epochs: 3\n  epcohs: 4", "unknown key.*epcohs"),
        ("epochs: 3", "", "lacks a key.*epochs"),
        ("epochs: 3", "epochs: three", "fit-student.epochs.*expected a whole number.*'three'"),
        ("epochs: 3", "epochs: 3.5", "expected a whole number.*3.5"),
        ("epochs: 3", "epochs: true", "expected a whole number.*True"),
        ("rate: 1", "rate: quick", "expected a number"),
        ("rate: 1", "rate: .nan", "fit-student.rate: expected a number, got nan"),
        ("rate: 1", "rate: -.inf", "fit-student.rate: expected a number, got -inf"),
        ("mode: fast", "mode: slow", r"fast \| exact.*'slow'"),
        ("[2, 4]", "[2]", "2 values"),
        ("[a, b]", "[a, 1]", r"names\[1\]"),
        ("fit-student:", "fit-teacher:", "no section 'fit-student'"),
        ("fit-student:", "fit-student: [", "is not YAML"),
    ],
)
def test_a_wrong_section_says_what_was_expected(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "value"), [("5e-05", 5e-5), ("1e3", 1000.0), ("-2.5E+1", -25.0), (".5e1", 5.0)])
def test_numbers_without_a_dot_are_numbers_as_for_dvc(tmp_path: Path, text: str, value: float) -> None:
    assert load(tmp_path, GOOD.replace("rate: 1", f"rate: {text}")).rate == value


@pytest.mark.parametrize("text", ["1e", "e5", "e-5", "14e574651c87", "2e5.onnx", "1e3-b"])
def test_a_name_that_begins_like_a_number_is_a_name(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, GOOD.replace("[a, b]", f"[{text}, b]")).names == [text, "b"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="does not exist"):
        load_section(tmp_path / "none.yaml", "x", Section)


@dataclass(frozen=True)
class Share:
    """A nested section that checks itself."""

    value: float
    other: float = 0.0

    def __post_init__(self) -> None:
        if self.value > 1:
            raise ParamsError("value", expected="at most 1", got=str(self.value))
        if self.value + self.other > 1:
            raise ParamsError("the shares are more than the whole", expected="a sum of at most 1")


@dataclass(frozen=True)
class Shares:
    """A section that holds one."""

    single: Share
    several: list[Share]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("single: {value: 2}\n  several: []", "params mix.single.value: expected at most 1, got 2.0"),
        ("single: {value: 1}\n  several: [{value: 3}]", "params mix.several[0].value: expected at most 1, got 3.0"),
        (
            "single: {value: 0.6, other: 0.7}\n  several: []",
            "params mix.single: the shares are more than the whole: expected a sum of at most 1",
        ),
    ],
)
def test_a_check_of_a_dataclass_is_reported_with_its_section(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(f"mix:\n  {text}\n")
    with pytest.raises(ParamsError) as caught:
        load_section(tmp_path / "params.yaml", "mix", Shares)
    assert str(caught.value) == message


def test_one_key_is_read_whatever_the_others_are(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("compare: {champion: abc, alpha: senseless}\nother: [1]\n")
    assert load_key(path, "compare", "champion", str) == "abc"
    with pytest.raises(ParamsError, match="params compare lacks a key: expected level"):
        load_key(path, "compare", "level", float)
    with pytest.raises(ParamsError, match=r"params compare\.champion: expected a whole number, got 'abc'"):
        load_key(path, "compare", "champion", int)
    with pytest.raises(ParamsError, match="params other lacks a key"):
        load_key(path, "other", "champion", str)
    with pytest.raises(ParamsError, match="no section 'none'"):
        load_key(path, "none", "champion", str)


@dataclass(frozen=True)
class Fitted:
    """What two sections share, with a nested section and a mapping."""

    epochs: int
    share: Share
    weights: dict[str, float]
    rate: float = 0.1


def test_a_section_takes_what_it_lacks_from_its_base(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(
        "both: {epochs: 3, share: {value: 0.5, other: 0.2}, weights: {a: 1, b: 2}, rate: 0.5}\n"
        "one: {}\nother: {epochs: 4, share: {value: 0.1}, weights: {c: 3}}\nwrong: {epoch: 1}\n"
    )
    assert load_section(path, "one", Fitted, base="both") == Fitted(3, Share(0.5, 0.2), {"a": 1.0, "b": 2.0}, 0.5)
    assert load_section(path, "other", Fitted, base="both") == Fitted(4, Share(0.1, 0.2), {"c": 3.0}, 0.5)
    with pytest.raises(ParamsError, match=r"params wrong has an unknown key: expected one of .*, got epoch"):
        load_section(path, "wrong", Fitted, base="both")
    with pytest.raises(ParamsError, match="params one lacks a key: expected epochs, share, weights"):
        load_section(path, "one", Fitted, base="not there")
