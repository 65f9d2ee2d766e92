"""The rules that keep the rooms apart; they are written out in `docs/design.md`."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

STAGE_ROOMS = ("blender", "datasets", "active", "train")
HEAVY = ("torch", "bpy", "fiftyone", "cv2", "sklearn", "onnxruntime")


def python_files(folder: Path) -> list[Path]:
    """Files below `folder`, not through the links to the stage rooms."""
    return [p for p in folder.rglob("*.py") if not any(parent.is_symlink() for parent in p.parents)]


def imported_modules(path: Path) -> list[tuple[int, str]]:
    """(relative level, module) of every import in a file, also those inside functions."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.level, node.module or "")]
            found += [(node.level, f"{node.module}.{alias.name}") for alias in node.names if node.module]
    return found


@pytest.mark.parametrize("room", STAGE_ROOMS)
def test_rooms_are_reached_by_relative_links(repository: Path, room: str) -> None:
    link = repository / "dataengine" / room
    assert link.is_symlink()
    assert link.readlink() == Path("..") / room
    assert not (repository / room / "__init__.py").exists(), "a room is a namespace: no __init__.py"


@pytest.mark.parametrize("room", STAGE_ROOMS)
def test_a_stage_imports_no_other_stage(repository: Path, room: str) -> None:
    others = tuple(f"dataengine.{other}" for other in STAGE_ROOMS if other != room)
    for path in python_files(repository / room):
        depth = len(path.relative_to(repository / room).parts)
        for level, module in imported_modules(path):
            assert not (level == 0 and module.startswith(others)), f"{path} imports {module}"
            assert level <= depth, f"{path} leaves its room by a relative import"
            assert not (level == 0 and module.startswith(f"dataengine.{room}")), f"{path}: import siblings relatively"


def test_the_kernel_imports_no_stage(repository: Path) -> None:
    rooms = tuple(f"dataengine.{room}" for room in STAGE_ROOMS)
    for path in python_files(repository / "dataengine"):
        for level, module in imported_modules(path):
            assert not (level == 0 and module.startswith(rooms)), f"{path} imports {module}"


def test_only_one_module_family_imports_blender(repository: Path) -> None:
    for path in python_files(repository):
        if {".venv", ".venv-blender"} & set(path.parts) or path.is_relative_to(repository / "tests"):
            continue
        top_level = {
            name.name.split(".")[0]
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Import)
            for name in node.names
        }
        if "bpy" in top_level:
            assert path.is_relative_to(repository / "blender"), f"{path} imports bpy"


def test_no_file_shadows_the_standard_library(repository: Path) -> None:
    for folder in ("dataengine", *STAGE_ROOMS):
        for path in python_files(repository / folder):
            assert path.stem not in sys.stdlib_module_names or path.stem.startswith("__"), path


def test_a_class_name_has_one_meaning(repository: Path) -> None:
    """Whoever searches for a class by its name finds one."""
    places: dict[str, list[str]] = {}
    for folder in ("dataengine", *STAGE_ROOMS):
        for path in python_files(repository / folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(f"{path.relative_to(repository)}:{node.lineno}")
    assert len(places) > 200, "the classes were looked at"
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_command_has_a_module(repository: Path) -> None:
    from dataengine.cli import COMMANDS

    for entry in COMMANDS.values():
        relative = entry.module.removeprefix("dataengine.").replace(".", "/")
        candidates = [
            repository / "dataengine" / f"{relative}.py",
            repository / "dataengine" / relative / "__init__.py",
        ]
        assert any(candidate.exists() for candidate in candidates), entry.module


def test_a_module_is_named_as_its_command() -> None:
    from dataengine.cli import COMMANDS

    others = {"select": "selection"}  # a module of the standard library has that name
    others |= {"simulate-coverage": "interval_coverage"}  # simulates the intervals of the kernel, for all rooms
    for name, entry in COMMANDS.items():
        assert entry.module.rpartition(".")[2] == others.get(name, name.replace("-", "_"))


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from dataengine.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "render" in done.stdout


def test_top_level_holds_only_what_the_design_names(repository: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    assert top <= {
        *("dataengine", "blender", "datasets", "active", "train", "tests", "docs"),
        *("dvc.yaml", "dvc.lock", "params.yaml", "pyproject.toml", "README.md"),
        *("Makefile", "constraints.txt", ".ci", ".dvc", ".dvcignore", ".gitignore"),
    }
