"""Begin a round: pin in params.yaml what the next comparison takes from the registry, and would else change under it.

That is the champion, the number of the round, and how many comparisons each test set has served.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from dataengine.errors import ParamsError
from dataengine.files import atomic_path, short_sha256
from dataengine.params import load_section
from dataengine.registry.records import Registry, RegistryParams, read_registry


def command(
    params: Annotated[Path, typer.Option(help="File with sections `registry` and `compare`.")] = Path("params.yaml"),
) -> None:
    """Pin the present champion, the round's number and the uses of every test set in params.yaml; comments stay.

    Do this when a new round begins, so that its candidate must beat the champion of today. Every comparison of a round
    spends a share of compare.alpha on its test set, whatever its verdict: begin a round for each candidate, and
    promotion holds a second one of the same round. Until then a promotion changes nothing that `dvc repro` depends on.

    Example: dataengine begin-round && dvc repro
    """
    run(params)


def run(params: Path) -> None:
    """Pin everything in the file `params` and print what changed."""
    paths = load_section(params, "registry", RegistryParams)
    wanted = pinned(read_registry(Path(paths.file)))
    before = pin(params, wanted)
    changed = [name for name, value in wanted.items() if before[name] != value]
    for name in changed:
        print(f"compare.{name}: {_shown(before[name])} -> {_shown(wanted[name])}")
    print("Next: dvc repro." if changed else f"compare.champion stays {_shown(wanted['champion'])}: nothing to change.")


def pinned(registry: Registry) -> dict[str, Any]:
    """The keys of section `compare` that follow from the registry. A round is a comparison that was noted."""
    champion, uses = registry.champion, pinned_uses(registry)
    return {"champion": champion.id if champion else "", "round": 1 + sum(uses.values()), "test_uses": uses}


def pinned_uses(registry: Registry) -> dict[str, int]:
    """Comparisons that each test set has served, by the first digits of its hash."""
    return {short_sha256(sha256): count for sha256, count in registry.uses().items()}


def pin(params: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Set keys of section `compare` in the YAML file, every other character as it stands; return what they were."""
    text = params.read_text(encoding="utf-8")
    section = _value(yaml.compose(text), "compare")
    nodes = {name: _replaceable(_value(section, name), name, params) for name in wanted}
    before = {name: yaml.safe_load(text[node.start_mark.index : node.end_mark.index]) for name, node in nodes.items()}
    changed = text
    for name, node in sorted(nodes.items(), key=lambda item: -item[1].start_mark.index):  # from behind: places stay
        if before[name] != wanted[name]:
            # JSON is YAML, and quotes: an id of digits alone would be read back as a number
            changed = changed[: node.start_mark.index] + json.dumps(wanted[name]) + changed[node.end_mark.index :]
    if changed != text:
        with atomic_path(params) as partial:
            partial.write_text(changed, encoding="utf-8")
    return before


def _replaceable(node: yaml.Node | None, name: str, params: Path) -> yaml.Node:
    """A value on one line, whose end is where it seems to be."""
    kinds = yaml.MappingNode if name == "test_uses" else yaml.ScalarNode
    if not isinstance(node, kinds) or (isinstance(node, yaml.MappingNode) and not node.flow_style):
        mend = "add the key with value " + {"champion": '""', "round": "1"}.get(name, "{}")
        raise ParamsError(f"{params} has no compare.{name}", mend=mend)
    return node


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value of `key` in a mapping node, None where there is no such thing."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _shown(value: Any) -> str:
    return str(value) if value not in ("", {}) else "(none)"
