"""Begin a round: pin the registry's present champion in params.yaml, where the next comparison reads it."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from dataengine.errors import ParamsError
from dataengine.files import atomic_path
from dataengine.params import load_section
from dataengine.registry import RegistryParams, read_registry


def command(
    params: Annotated[Path, typer.Option(help="File with sections `registry` and `compare`.")] = Path("params.yaml"),
) -> None:
    """Write the present champion's id to compare.champion in params.yaml; comments stay.

    Do this when a new round begins, so that its candidate must beat the champion of today. Until then a promotion
    changes nothing that `dvc repro` depends on.

    Example: dataengine begin-round && dvc repro
    """
    run(params)


def run(params: Path) -> None:
    """Pin the champion in the file `params` and print what changed."""
    paths = load_section(params, "registry", RegistryParams)
    champion = read_registry(Path(paths.file)).champion
    wanted = champion.id if champion else ""
    before = pin(params, wanted)
    if before == wanted:
        print(f"compare.champion stays {_shown(wanted)}: nothing to change.")
        return
    print(f"compare.champion: {_shown(before)} -> {_shown(wanted)}. Next: dvc repro.")


def pin(params: Path, champion: str) -> str:
    """Set compare.champion in the YAML file, leaving every other character as it stands; return what it was."""
    text = params.read_text(encoding="utf-8")
    node = _value(_value(yaml.compose(text), "compare"), "champion")
    if not isinstance(node, yaml.ScalarNode):
        raise ParamsError(f"{params} has no compare.champion", mend='add the key with value ""')
    before = str(node.value)
    if before != champion:
        # quoted: an id of digits alone would be read back as a number
        changed = f'{text[: node.start_mark.index]}"{champion}"{text[node.end_mark.index :]}'
        with atomic_path(params) as partial:
            partial.write_text(changed, encoding="utf-8")
    return before


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value of `key` in a mapping node, None where there is no such thing."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _shown(champion: str) -> str:
    return champion or "(none)"
