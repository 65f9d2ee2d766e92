"""Begin a round: pin in params.yaml what the next comparison takes from the registry, which goes on changing.

Pinned are the champion, the number of the round, and how many comparisons each test set has served.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import ParamsError
from dataengine.files import atomic_path, short_sha256
from dataengine.params import load_section
from dataengine.registry.records import Registry, RegistryParams, read_registry
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say


def command(
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Pin the present champion, the round's number and the uses of every test set in params.yaml; comments stay.

    Run it before each new candidate, so that it has to beat today's champion. It reads the registry that registry.file
    names and writes compare.champion, compare.round and compare.test_uses; until then a promotion changes nothing that
    `dvc repro` depends on. Every comparison spends a share of compare.alpha on its test set, whatever the verdict, so a
    round is good for one candidate: promotion holds a second one.

    Example: dataengine begin-round && dvc repro
    """
    run(params)


def run(params: Path) -> None:
    """Pin everything in the file `params` and report what changed."""
    paths = load_section(params, "registry", RegistryParams)
    new_values = values_to_pin(read_registry(Path(paths.file)))
    old_values = pin(params, new_values)
    changed_names = [name for name, value in new_values.items() if old_values[name] != value]
    for name in changed_names:
        say(f"compare.{name}: {_text_of(old_values[name])} -> {_text_of(new_values[name])}")
    champion = _text_of(new_values["champion"])
    say("Next: dvc repro." if changed_names else f"compare.champion stays {champion}: nothing to change.")


def values_to_pin(registry: Registry) -> dict[str, Any]:
    """The keys of section `compare` that follow from the registry. Each recorded comparison is a round."""
    champion, uses = registry.champion, uses_by_test_set(registry)
    return {"champion": champion.id if champion else "", "round": 1 + sum(uses.values()), "test_uses": uses}


def uses_by_test_set(registry: Registry) -> dict[str, int]:
    """Comparisons that each test set has served, by the first digits of its hash."""
    return {short_sha256(sha256): count for sha256, count in registry.uses().items()}


def pin(params: Path, new_values: Mapping[str, Any]) -> dict[str, Any]:
    """Set keys of section `compare` in the YAML file and change no other character; return the old values."""
    text = params.read_text(encoding="utf-8")
    section = _value(yaml.compose(text), "compare")
    nodes = {name: _value_on_one_line(_value(section, name), name, params) for name in new_values}
    old_values = {
        name: yaml.safe_load(text[node.start_mark.index : node.end_mark.index]) for name, node in nodes.items()
    }
    new_text = text
    for name, node in sorted(
        nodes.items(), key=lambda item: -item[1].start_mark.index
    ):  # from the end, so that earlier positions stay valid
        if old_values[name] != new_values[name]:
            # JSON is YAML with quotes: without them an id of digits alone would be read back as a number
            value = json.dumps(new_values[name])
            new_text = new_text[: node.start_mark.index] + value + new_text[node.end_mark.index :]
    if new_text != text:
        with atomic_path(params) as partial:
            partial.write_text(new_text, encoding="utf-8")
    return old_values


def _value_on_one_line(node: yaml.Node | None, name: str, params: Path) -> yaml.Node:
    """The node, if its value stands on one line and can be replaced in place."""
    kind = yaml.MappingNode if name == "test_uses" else yaml.ScalarNode
    if not isinstance(node, kind) or (isinstance(node, yaml.MappingNode) and not node.flow_style):
        fix = "add the key with value " + {"champion": '""', "round": "1"}.get(name, "{}")
        raise ParamsError(f"{params} has no compare.{name}", fix=fix)
    return node


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value of `key` in a mapping node; None if `node` is not a mapping or lacks the key."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _text_of(value: Any) -> str:
    return str(value) if value not in ("", {}) else "(none)"
