"""What the pages name exists: commands, benchmarks, pages; and the README names every command."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from dataengine.bench import BENCHMARKS
from dataengine.cli import COMMANDS
from dataengine.files import flat_items


@pytest.fixture(scope="module")
def pages(repository: Path) -> dict[str, str]:
    """The text of every tracked Markdown page by its path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    return {path: (repository / path).read_text(encoding="utf-8") for path in listed.split("\0") if path}


def test_the_readme_names_every_command(pages: dict[str, str]) -> None:
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", pages["README.md"], flags=re.DOTALL))
    assert not set(COMMANDS) - set(re.findall(r"[a-z][a-z-]*[a-z]", code))


def test_commands_and_benchmarks_that_pages_name_exist(pages: dict[str, str]) -> None:
    wrong = []
    for path, text in pages.items():
        commands = re.findall(r"(?:^ {4}|^\$ |`)dataengine\s([a-z][a-z-]*)\b", text, flags=re.MULTILINE)
        wrong += [f"{path}: dataengine {name}" for name in commands if name not in COMMANDS]
        wrong += [f"{path}: BENCH={name}" for name in re.findall(r"BENCH=([a-z_]+)", text) if name not in BENCHMARKS]
    assert not wrong


def test_params_that_pages_change_by_plain_s_are_in_params_yaml(pages: dict[str, str], repository: Path) -> None:
    """`dvc exp run -S` refuses others, which take ++."""
    params = yaml.safe_load((repository / "params.yaml").read_text(encoding="utf-8"))
    keys = {key for key, _ in flat_items(params)}
    wrong = []
    for path, text in pages.items():
        named = re.findall(r"-S ([\w-]+(?:\.[\w-]+)+)=", text)
        wrong += [f"{path}: -S {key}" for key in named if not any(f"{each}.".startswith(f"{key}.") for each in keys)]
    assert not wrong


def test_pages_and_pictures_that_pages_name_exist(pages: dict[str, str], repository: Path) -> None:
    """By a link, from the page's own folder; in backticks, from there or from the root."""
    wrong = []
    for path, text in pages.items():
        folder = (repository / path).parent
        links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        wrong += [f"{path}: {link}" for link in links if link and not (folder / link).exists()]
        quoted = re.findall(r"`((?:docs/|results/)[\w/.-]+\.(?:md|json|jpg|png))`", text)
        wrong += [f"{path}: {name}" for name in quoted if not any((at / name).exists() for at in (folder, repository))]
    assert not wrong
