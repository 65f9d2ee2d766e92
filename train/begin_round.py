"""Begin a round: pin in params.yaml what the round takes from the registry and the requests, which go on changing.

Pinned are the champion, the number of the round, the hash of the policy, and the head of the registry's ledger; and the
requests that `render` and `select` follow.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import ParamsError
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import atomic_path
from dataengine.params import load_section
from dataengine.registry.records import Registry, RegistryParams
from dataengine.registry.registry_file import read_registry
from dataengine.requests.pinned import SECTION as REQUESTS
from dataengine.requests.pinned import load_requests_params, requests_to_pin
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .gate.policy import CompareParams

SECTION = "compare"
_EMPTY = {"compare.round": "1", "requests.open": "[]", "requests.kept": "[]"}


def command(
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Pin the champion, the round's number, the policy, the registry's last comparison and the requests in params.yaml.

    Run it before each new candidate, so that it has to beat today's champion, and after each change of section compare
    or oks. It reads the registry that registry.file names and writes compare.champion, compare.round, compare.policy
    and compare.ledger; and from requests.folder, requests.open and requests.kept. Comments stay. Until then a promotion
    changes nothing that `dvc repro` depends on. Every comparison spends a share of compare.alpha on its test set,
    whatever the verdict, so a round is good for one: `compare` refuses a second candidate, and a policy that is not
    the pinned one. `dataengine round` does this and all that follows.

    Example: dataengine begin-round && dvc repro
    """
    run(params)


def run(params: Path) -> None:
    """Pin everything in the file `params` and report what changed."""
    paths = load_section(params, "registry", RegistryParams)
    policy, sigmas = load_section(params, "compare", CompareParams), load_protocol(params).sigmas_name
    new_values = values_to_pin(read_registry(Path(paths.file)), policy, sigmas)
    requests = load_requests_params(params)
    wanted = requests_to_pin(requests, new_values["round"]) if requests.folder else {}
    is_changed = False
    for section, values in ((REQUESTS, wanted), (SECTION, new_values)):
        old_values = pin(params, values, section)
        for name in (name for name, value in values.items() if old_values[name] != value):
            say(f"{section}.{name}: {_text_of(old_values[name])} -> {_text_of(values[name])}")
            is_changed = True
    champion = _text_of(new_values["champion"])
    say("Next: dvc repro." if is_changed else f"compare.champion stays {champion}: nothing to change.")


def values_to_pin(registry: Registry, policy: CompareParams, oks_sigmas: str) -> dict[str, Any]:
    """The keys of section `compare` that `dataengine begin-round` writes. Each comparison in the ledger was a round."""
    champion, ledger = registry.champion, registry.ledger
    return {
        "champion": champion.id if champion else "",
        "round": 1 + ledger.comparisons,
        "policy": policy.hash_with(oks_sigmas),
        "ledger": ledger.head,
    }


def pin(params: Path, new_values: Mapping[str, Any], section: str = SECTION) -> dict[str, Any]:
    """Set keys of a section of the YAML file and change no other character; return the old values."""
    text = params.read_text(encoding="utf-8")
    keys = _value(yaml.compose(text), section)
    nodes = {name: _replaceable(_value(keys, name), f"{section}.{name}", params) for name in new_values}
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


def _replaceable(node: yaml.Node | None, key: str, params: Path) -> yaml.Node:
    """The node, if its value can be replaced where it stands: a plain value, or a list in brackets."""
    if isinstance(node, yaml.ScalarNode) or (isinstance(node, yaml.SequenceNode) and node.flow_style):
        return node
    value = _EMPTY.get(key, '""')
    raise ParamsError(f"{params} has no {key}", fix=f"add the key with value {value}")


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """The value of `key` in a mapping node; None if `node` is not a mapping or lacks the key."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _text_of(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or "(none)"
