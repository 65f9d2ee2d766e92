"""Every stage of `dvc.yaml` names all the code it runs, so that no change of code goes unnoticed by `dvc repro`."""

import ast
import re
import shlex
from collections.abc import Set
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataengine.blender.batch.sources import STILLS, TARGETED
from dataengine.cli import COMMANDS
from dataengine.studies.dvc_project import read_stages

REPOSITORY = Path(__file__).resolve().parents[1]
PARAMS: dict[str, Any] = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
STAGES = read_stages(REPOSITORY / "dvc.yaml")
# How a fault or a bar is worded changes no result.
WITHOUT_EFFECT = {
    "dataengine/errors.py",
    *(f"dataengine/terminal/{name}.py" for name in ("folders", "options", "progress", "speech")),
}
# Read, not imported.
OTHER_FILES = {
    *("blender/poses/poses.yaml", "blender/workers/requirements.txt", "models/registry.json"),
    *("dataengine/starter/model.json", "dataengine/starter/model.safetensors"),
}


@cache
def module_file(module: str) -> Path | None:
    """The file of a module of this project, through the links to the rooms."""
    base = REPOSITORY / module.replace(".", "/")
    found = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    return found.resolve() if found else None


def package_of(path: Path) -> str:
    """The package whose modules the file's relative imports name."""
    parts = path.relative_to(REPOSITORY).parent.parts
    return ".".join(parts if parts[0] == "dataengine" else ("dataengine", *parts))


# Code that a process of another Python is to import is named as ``module:name``.
PLACE = re.compile(r"(dataengine(?:\.\w+)+):\w+")


@cache
def imported_files(path: Path) -> frozenset[Path]:
    """The project's files that this one imports, also inside functions, or has another process import."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = package_of(path).split(".")
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            modules += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and (place := PLACE.fullmatch(str(node.value))):
            modules.append(place[1])
    return frozenset(found for name in modules if name.startswith("dataengine") and (found := module_file(name)))


@cache
def code_of(stage: str) -> frozenset[str]:
    """All the project's files that the stage's module reaches, relative to the repository."""
    todo = {module_file(COMMANDS[stage].module)}
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path is not None and path not in seen:
            seen.add(path)
            todo |= imported_files(path)
    names = {str(p.relative_to(REPOSITORY)) for p in seen if p.stat().st_size and p.name != "__init__.py"}
    if stage == "render":  # pictures are kept by a hash over these sub-packages, whatever is imported of them
        names |= {name for package in (*STILLS, *TARGETED) for name in code_files(REPOSITORY / "blender" / package)}
    return frozenset(names - WITHOUT_EFFECT)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_its_code(stage: str) -> None:
    deps = [Path(dep) for dep in STAGES[stage].get("deps", [])]
    missing = {name for name in code_of(stage) if not any(Path(name).is_relative_to(dep) for dep in deps)}
    assert not missing, f"dvc.yaml: {stage} lacks deps {sorted(missing)}"


@pytest.mark.parametrize("stage", ["fit-teacher", "fit-student"])
def test_how_the_gate_decides_changes_no_fit(stage: str) -> None:
    """A fit reads the pinned champion's name, and neither the policy nor the statistics; a promotion decides again."""
    statistics = {f"dataengine/evaluation/analysis/{name}.py" for name in ("bootstrap", "resampled")}
    deciding = statistics | {"train/gate/policy.py", "train/gate/checks.py"}
    assert deciding <= code_of("compare") & code_of("promote")
    assert not deciding & code_of(stage)
    assert not [dep for dep in STAGES[stage]["deps"] if any(Path(name).is_relative_to(dep) for name in deciding)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_no_code_that_it_does_not_use(stage: str) -> None:
    made = [Path(name) for other in STAGES.values() for name in outs_of(other)]
    deps = [dep for dep in STAGES[stage].get("deps", []) if not any(Path(dep).is_relative_to(out) for out in made)]
    named = {name for dep in deps for name in (code_files(REPOSITORY / dep) if (REPOSITORY / dep).is_dir() else {dep})}
    assert named - code_of(stage) - OTHER_FILES == set(), f"dvc.yaml: {stage} has deps it does not use"


def test_the_pipeline_can_be_read() -> None:
    assert len((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("stage", STAGES)
def test_deps_exist_or_are_made_by_a_stage(stage: str) -> None:
    made = [Path(name) for other in STAGES.values() for name in outs_of(other)]
    for dep in STAGES[stage].get("deps", []):
        assert (REPOSITORY / dep).exists() or any(Path(dep).is_relative_to(out) for out in made), dep


@pytest.mark.parametrize("stage", STAGES)
def test_stage_command_and_section_share_a_name(stage: str) -> None:
    words = shlex.split(STAGES[stage]["cmd"])
    assert words[:2] == ["dataengine", stage]
    assert stage in STAGES[stage]["params"]
    assert stage in PARAMS


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_counts_by_oks_takes_the_projects_sigmas(stage: str) -> None:
    """Its code loads them, and DVC runs it again where they change."""
    scores = "dataengine/evaluation/ap/protocol.py" in code_of(stage)
    assert scores is ("dataengine/evaluation/own_sigmas.py" in code_of(stage)) is ("oks" in STAGES[stage]["params"])


@pytest.mark.parametrize("stage", STAGES)
def test_all_that_a_stage_writes_is_in_dvcs_cache(stage: str) -> None:
    """What is neither there nor in git is missing in a clone, which then runs the stage again."""
    entries = [entry for key in ("outs", "metrics", "plots") for entry in STAGES[stage].get(key, [])]
    flags = [flags for entry in entries if isinstance(entry, dict) for flags in entry.values()]
    assert not any("cache" in of_entry for of_entry in flags)


def outs_of(stage: dict[str, Any]) -> list[str]:
    entries = [entry for key in ("outs", "metrics", "plots") for entry in stage.get(key, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


@cache
def code_files(folder: Path) -> frozenset[str]:
    """The files below `folder` that a stage would depend on by depending on the folder."""
    files = (path for path in folder.rglob("*") if path.suffix in (".py", ".yaml") and path.name != "__init__.py")
    inside = (path for path in files if not any(parent.is_symlink() for parent in path.parents))
    return frozenset(str(path.relative_to(REPOSITORY)) for path in inside if path.stat().st_size) - WITHOUT_EFFECT


def folded(names: Set[str]) -> list[str]:
    """The same code with every folder that is used whole instead of its files."""
    folders = sorted({str(p) for name in names for p in Path(name).parents} - {"."}, key=lambda name: name.count("/"))
    left, whole = set(names), []
    for folder in folders:
        inside = code_files(REPOSITORY / folder)
        if len(inside) > 1 and inside - OTHER_FILES <= names and inside & left:
            whole.append(folder)
            left -= inside
    return sorted([*whole, *left])


def main() -> None:
    """Print the code deps of every stage, for writing `dvc.yaml`."""
    for stage in STAGES:
        print(stage, ", ".join(folded(code_of(stage))), sep="\n  ")


if __name__ == "__main__":
    main()


@pytest.mark.parametrize("stage", ["fit-teacher", "fit-student"])
def test_another_starter_is_another_fit(stage: str) -> None:
    files = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "dataengine" / "starter").glob("model.*")}
    assert len(files) == 2 and files <= set(STAGES[stage]["deps"])
