"""The rules that keep the rooms apart; they are written out in `docs/design.md`."""

import ast
import itertools
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from .test_dvc_yaml import imported_files

OF_BLENDER = ("bpy", "mathutils", "bpy_extras", "bmesh", "gpu", "idprop")
STAGE_ROOMS = ("blender", "datasets", "active", "train")
MOST_FILES = 20
HEAVY = ("torch", "bpy", "fiftyone", "cv2", "sklearn", "onnxruntime")


@cache
def python_files(folder: Path) -> tuple[Path, ...]:
    """Files below `folder`, not through the links to the stage rooms."""
    return tuple(p for p in folder.rglob("*.py") if not any(parent.is_symlink() for parent in p.parents))


@cache
def imported_modules(path: Path) -> tuple[tuple[int, str], ...]:
    """(relative level, module) of every import in a file, also those inside functions."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.level, node.module or "")]
            found += [(node.level, f"{node.module}.{alias.name}") for alias in node.names if node.module]
    return tuple(found)


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


def imports_blender(path: Path) -> bool:
    """Whether the file imports a module of Blender's, at any depth of its code."""
    return any(level == 0 and module.split(".")[0] in OF_BLENDER for level, module in imported_modules(path))


@pytest.mark.parametrize(
    ("code", "does"),
    [
        ("import bpy", True),
        ("def f():\n    if True:\n        import mathutils as m", True),
        ("class A:\n    def f(self):\n        from bpy_extras.object_utils import world_to_camera_view", True),
        ("try:\n    from bpy.types import Scene\nexcept ImportError:\n    pass", True),
        ("from .bpy import x\nimport bpyx\n'import bpy'", False),
    ],
)
def test_imports_of_blender_are_seen_at_any_depth(tmp_path: Path, code: str, does: bool) -> None:
    (tmp_path / "code.py").write_text(code)
    assert imports_blender(tmp_path / "code.py") is does


def test_blender_is_imported_in_cycles_alone(repository: Path) -> None:
    files = [path for folder in ("dataengine", *STAGE_ROOMS) for path in python_files(repository / folder)]
    importing = {path.relative_to(repository) for path in files if imports_blender(path)}
    assert importing, "nothing imports Blender: this test looks in the wrong place"
    assert {path for path in importing if not path.is_relative_to("blender/cycles")} == set()


def folders_imported(path: Path, root: Path) -> Iterator[tuple[str, str]]:
    """(folder, file) below `root` of everything there that the file imports; "." is the root itself."""
    for imported in imported_files(path):
        if imported.is_relative_to(root):
            yield imported.parent.relative_to(root).as_posix(), imported.name


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that can all reach each other."""
    reach = {node: {node} | (arrows[node] & arrows.keys()) for node in arrows}
    for middle, node in itertools.product(reach, reach):  # Warshall 1962
        if middle in reach[node]:
            reach[node] |= reach[middle]
    mutual = {frozenset(b for b in reach if b in reach[a] and a in reach[b]) for a in reach}
    return [sorted(group) for group in mutual if len(group) > 1]


def test_circles_are_found() -> None:
    chain: dict[str, set[str]] = {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a", "c"}}
    assert circles(chain) == []
    assert circles({**chain, "c": {"d"}}) == [["a", "b", "c", "d"]]
    assert sorted(circles({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}})) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("room", ["dataengine", *STAGE_ROOMS])
def test_sub_packages_import_each_other_without_circles(repository: Path, room: str) -> None:
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in python_files(repository / room):
        folder = path.parent.relative_to(repository / room).as_posix()
        arrows[folder] |= {to for to, _ in folders_imported(path, repository / room) if "." not in (folder, to)}
        arrows[folder] -= {folder}
    assert len(arrows) > 3
    assert circles(arrows) == []


@pytest.mark.parametrize("room", ["dataengine", *STAGE_ROOMS])
def test_files_import_each_other_without_circles(repository: Path, room: str) -> None:
    assert circles({str(path): set(map(str, imported_files(path))) for path in python_files(repository / room)}) == []


# A room's root holds its commands: what they share lies below it. Benchmarks time the commands themselves.
@pytest.mark.parametrize("room", STAGE_ROOMS)
def test_no_sub_package_imports_a_command_of_its_room(repository: Path, room: str) -> None:
    root = repository / room
    for path in python_files(root):
        if path.parent != root and path.parent != root / "bench":
            back = [name for folder, name in folders_imported(path, root) if folder == "."]
            assert not back, f"{path} imports {back} from the root of its room"


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

    others = {"select": "selection", "trace": "trace_sample"}  # modules of the standard library have those names
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


STANDS_FOR_DATA = re.compile(r"(data|models)/[^/]+\.dvc")
MADE_BY_PEOPLE = re.compile(
    r"models/registry\.json|data/(labels|pose_clusters|requests|rounds|sigmas)/[^/]+\.json|data/(labels|requests)/README\.md|data/labels/pictures\.dvc"
)
STARTER = re.compile(r"dataengine/starter/model\.(json|safetensors)")  # the one model that ships
AT_THE_TOP = {
    *("dataengine", "blender", "datasets", "active", "train", "tests", "docs", "findings"),
    *("dvc.yaml", "dvc.lock", "params.yaml", "pyproject.toml", "README.md"),
    *("Makefile", "constraints.txt", ".ci", ".dvc", ".dvcignore", ".gitignore"),
}


def is_out_of_place(tracked: str) -> bool:
    """Whether a tracked file has no business at its place: see rule 8 of `docs/design.md`."""
    if tracked.split("/")[0] in ("dataengine", *STAGE_ROOMS):
        data = tracked.endswith((".json", ".jpg", ".png", ".onnx", ".safetensors"))
        return data and not STARTER.fullmatch(tracked)
    allowed = tracked.split("/")[0] in AT_THE_TOP
    return not (allowed or STANDS_FOR_DATA.fullmatch(tracked) or MADE_BY_PEOPLE.fullmatch(tracked))


@pytest.mark.parametrize(
    ("tracked", "out_of_place"),
    [
        ("models/registry.json", False),
        ("data/videos.dvc", False),
        ("models/pretrained.dvc", False),
        ("data/labels/0123456789ab.json", False),
        ("data/labels/pictures.dvc", False),
        ("data/labels/pictures/ab.jpg", True),
        ("data/pose_clusters/0123456789ab.json", False),
        ("data/rounds/0123456789ab.json", False),
        ("data/requests/request-0123456789ab.json", False),
        ("data/sigmas/sigmas-0123456789ab.json", False),
        ("findings/a.md", False),
        ("train/promote.py", False),
        ("dataengine/starter/model.safetensors", False),
        ("dataengine/nets/model.safetensors", True),
        ("models/registry/abc/model.onnx", True),
        ("models/registry/registry.json", True),
        ("models/deep/pretrained.dvc", True),
        ("data/people.json", True),
        ("train/registry.json", True),
        ("datasets/labels/0123456789ab.json", True),
        ("notes.txt", True),
        ("src/a.py", True),
    ],
)
def test_what_may_lie_at_the_top_level(tracked: str, out_of_place: bool) -> None:
    assert is_out_of_place(tracked) is out_of_place


def test_top_level_holds_only_what_the_design_names(repository: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert [line for line in tracked.stdout.splitlines() if is_out_of_place(line)] == []


def test_no_folder_holds_more_than_twenty_files(repository: Path) -> None:
    for folder in ("dataengine", *STAGE_ROOMS, "tests"):
        for path in [repository / folder, *(p for p in (repository / folder).rglob("*") if p.is_dir())]:
            if "__pycache__" in path.parts or any(parent.is_symlink() for parent in (path, *path.parents)):
                continue
            files = [p.name for p in path.iterdir() if p.is_file()]
            assert len(files) <= MOST_FILES, f"{path}: part it by topic"


def test_every_sub_package_says_what_it_is_for(repository: Path) -> None:
    for room in ("dataengine", *STAGE_ROOMS):
        for path in python_files(repository / room):
            if path.name == "__init__.py" and path.parent != repository / "dataengine":
                text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                assert len(text.split()) >= 10, f"{path}: what it is for, where to begin reading, how to add one"
        for folder in {path.parent for path in python_files(repository / room)} - {repository / room}:
            assert (folder / "__init__.py").exists(), f"{folder} has no __init__.py"
