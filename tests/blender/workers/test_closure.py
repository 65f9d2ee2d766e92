"""What a worker imports, against the packages of Blender's Python: by reading the code, and by importing it there."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.blender.workers.interpreter import REQUIREMENTS
from dataengine.blender.workers.process import environment

# Everything that is named as `module:name` for another Python to import.
_PLACE = re.compile(r"dataengine(\.\w+)+:\w+")
_PACKAGE_OF = {"cv2": "opencv-python-headless", "PIL": "pillow", "yaml": "PyYAML"}
_OF_BPY = {"bpy", "mathutils", "bpy_extras"}
_TESTS_ALONE = {"iniconfig", "packaging", "pluggy", "Pygments", "pytest"}


def pinned() -> dict[str, str]:
    """Package in lower case -> version, of Blender's Python."""
    lines = (line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#"))
    return {name.lower(): version for name, version in (line.split("==") for line in lines)}


def places(room: Path) -> set[str]:
    """All the modules whose classes and functions workers are asked for, by their names in the code."""
    constants = (
        node.value
        for path in room.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text.partition(":")[0] for text in constants if _PLACE.fullmatch(text)}


def file_of(repository: Path, module: str) -> Path | None:
    """The file of a module of this project, through the links to the rooms."""
    base = repository / module.replace(".", "/")
    return next((p.resolve() for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def imported(repository: Path, path: Path) -> set[str]:
    """Every module that a file imports, also inside functions; those named ``from x import y`` as x and as x.y."""
    parts = path.relative_to(repository).parent.parts
    package = [*([] if parts[0] == "dataengine" else ["dataengine"]), *parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def outside(repository: Path, modules: set[str]) -> dict[str, str]:
    """Package of others that the modules reach -> the file that asks for it."""
    todo, seen, found = {file_of(repository, module) for module in modules}, set(), {}
    while todo:
        path = todo.pop()
        if path is None or path in seen:
            continue
        seen.add(path)
        for module in imported(repository, path):
            if module.partition(".")[0] == "dataengine":
                todo.add(file_of(repository, module))
            else:
                found[module.partition(".")[0]] = str(path.relative_to(repository))
    assert len(seen) > 20
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names}


def test_workers_import_nothing_that_their_python_lacks(repository: Path) -> None:
    modules = places(repository / "blender")
    assert {f"dataengine.blender.{name}.maker" for name in ("pictures", "clips", "targeted")} <= modules
    reached = outside(repository, modules)
    lacking = {
        name: path
        for name, path in reached.items()
        if name not in _OF_BPY and _PACKAGE_OF.get(name, name).lower() not in pinned()
    }
    assert not lacking
    assert not _TESTS_ALONE & set(reached)


def test_what_both_environments_pin_has_one_version(repository: Path) -> None:
    """But for numpy, whose two versions are why there are two."""
    lines = (line.partition("==") for line in (repository / "constraints.txt").read_text().splitlines() if "==" in line)
    main = {name.lower(): version for name, _, version in lines if not name.startswith("#")}
    differ = {name for name, version in pinned().items() if main.get(name, version) != version}
    assert differ == {"numpy"}
    assert main["numpy"].startswith("2.") and pinned()["numpy"].startswith("1.26.")
    assert "bpy" not in main


@pytest.mark.bpy
def test_all_of_it_is_imported_there(repository: Path, blenders_python: Path, tmp_path: Path) -> None:
    """Torch, Anny and all of the main environment stay out of reach."""
    script = tmp_path / "probe.py"
    script.write_text(
        "import importlib, importlib.util, json, runpy, sys\n"
        "from pathlib import Path\n"
        "folder, *modules = sys.argv[1:]\n"
        "boot = runpy.run_path(folder + '/blender/workers/boot.py')\n"
        "boot['make_known'](Path(folder))\n"
        "for module in modules:\n"
        "    importlib.import_module(module)\n"
        "found = [name for name in ('torch', 'anny', 'pandas', 'typer') if importlib.util.find_spec(name)]\n"
        "print(json.dumps({'found': found, 'path': sys.path, 'bpy': 'bpy' in sys.modules}))\n"
    )
    modules = sorted(places(repository / "blender"))
    command = [str(blenders_python), "-P", str(script), str(repository / "dataengine"), *modules]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert not seen["found"]
    assert str(repository) not in seen["path"]
    assert not seen["bpy"], "Blender is loaded only when something is rendered"
