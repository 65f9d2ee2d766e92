"""The table of sections: each line reads this project's own params, and into the dataclass that its command reads."""

import ast
from pathlib import Path

import pytest

from dataengine.cli import main
from dataengine.errors import ParamsError
from dataengine.studies.sections import SECTIONS, read_section

from ..test_layout import STAGE_ROOMS, python_files

BAD = [
    ("select", "min_gap_frames: 6", "min_gap_frames: -1", "0 or more"),
    ("select", "budget: 16", "budget: .inf", "a number, got inf"),
    ("compare", "floor_ap: 0.05", "floor_ap: 1.5", "0 to 1, got 1.5"),
    ("compare", "min_clusters: 8", "min_clusters: 0", "1 or more, got 0"),
    ("compare", "latency_ms: 100.0", "latency_ms: -1", "above 0, or null"),
    ("pseudo-label", "min_joints: 8", "min_joints: 18", "0 to 17, got 18"),
    ("pseudo-label", "max_gap: 10", "max_gap: -1", "0 or more, got -1"),
    ("mix", "synthetic_per_real: 0.3333333333", "synthetic_per_real: -1", ">= 0, got -1"),
    ("fit-teacher", "seed: 1\n", "seed: -1\n", "0 to 2147483647, got -1"),
    ("export", "int8: 0.05", "int8: 5", "-1 to 1, got 5.0"),
]


@pytest.mark.parametrize("section", SECTIONS)
def test_each_reads_the_projects_own_params(repository: Path, section: str) -> None:
    assert type(read_section(repository / "params.yaml", section)).__name__ == SECTIONS[section].name


@pytest.mark.parametrize(("section", "old", "new", "says"), BAD)
def test_a_value_out_of_range_is_one_line(
    repository: Path, tmp_path: Path, section: str, old: str, new: str, says: str
) -> None:
    text, path = (repository / "params.yaml").read_text(encoding="utf-8"), tmp_path / "params.yaml"
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ParamsError) as raised:
        read_section(path, section)
    assert str(raised.value).startswith(f"params {section}.") and f"expected {says}" in str(raised.value).replace(
        "a finite number ", ""
    )


@pytest.mark.parametrize("text", ["[1", "x", ".inf", "-1"])
def test_students_are_not_compared_with_a_setting_that_no_fit_takes(
    repository: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    files = "--labelled none.json --val none.json --test none.json --report none"
    options = (
        f"{files} --params {repository / 'params.yaml'} --set fit-student.consistency.unlabelled_per_labelled={text}"
    )
    with pytest.raises(SystemExit) as raised:
        main(["compare-students", *options.split()])
    said = capsys.readouterr().err
    assert (raised.value.code == 2 and said.count("\n") == 1 and "expected" in said) or "YAML" in said


def test_commands_read_their_sections_into_the_same_dataclass(repository: Path) -> None:
    """Only calls whose section stands as a text are compared."""
    known = {section: reader.name for section, reader in SECTIONS.items()}
    seen = set()
    for folder in ("dataengine", *STAGE_ROOMS):
        for path in python_files(repository / folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_section":
                    section, kind = node.args[1:3]
                    if isinstance(section, ast.Constant) and section.value in known and isinstance(kind, ast.Name):
                        assert kind.id == known[str(section.value)], path
                        seen.add(section.value)
    assert len(seen) > 5
