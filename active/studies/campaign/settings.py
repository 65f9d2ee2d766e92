"""The params.yaml and dvc.yaml of a round: the project's own, with what the campaign sets itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from dataengine.files import atomic_path
from dataengine.studies.sections import read_section

from .overrides import SECTIONS, check_overrides, lay_overrides
from .places import RoundFolder
from .plan import CampaignPlan

STAGE, BASE = "fit-student", "fit"
_NONE: dict[str, Any] = {}


def check_settings(document: Mapping[str, Any], plan: CampaignPlan) -> None:
    """Read the params of a round as its commands will, so that none of them refuses a value after hours of others.

    Args:
        document: the project's params.yaml.
        plan: of the campaign.

    Raises:
        InputError: a setting is not a param, or is of another kind.
        ParamsError: a value, of the project or of a setting, is out of range.
    """
    check_overrides(document, plan.settings)
    with TemporaryDirectory() as place:
        folder = RoundFolder(Path(place))
        seed, renders = plan.seeds[0], plan.base_renders
        write_settings(folder, document, plan, seed=seed, library_renders=renders, synthetic=True, pseudo=True)
        for section in (name for name in SECTIONS if name != BASE):
            read_section(folder.params, section)


def write_settings(
    folder: RoundFolder,
    document: Mapping[str, Any],
    plan: CampaignPlan,
    *,
    seed: int,
    library_renders: int,
    synthetic: bool,
    pseudo: bool,
) -> None:
    """Write params.yaml for a round's stages.

    Args:
        folder: of the round.
        document: the project's params.yaml.
        plan: of the campaign.
        seed: of fits and draws.
        library_renders: images of the library, 1 or more.
        synthetic: whether rendered people are drawn.
        pseudo: whether pseudo-labelled people are drawn, in the ratio that the project sets.
    """
    own: dict[str, dict[str, Any]] = {
        "render": {"images": library_renders},
        "mix": {"seed": seed, "only": None, "labels": [], "synthetic_images": None},
        STAGE: _fit(plan, seed),
        "select": {"fiftyone": False, "budget": plan.step, "budget_unit": "images", "seed": seed},
        "requests": {"folder": folder.of("requests").as_posix(), "open": [], "kept": [], "keep_rounds": 10**6},
        "request": {"renders": plan.renders, "by_hand": "", "shadow": ""},
        "registry": {"file": folder.of("registry.json").as_posix(), "store": folder.of("registry").as_posix()},
        "compare": {"champion": "", "round": 1, "policy": "", "ledger": ""},
        "export": {"engine": False, "max_ap_drop": {"fp32": 1.0, "fp16": 1.0, "int8": 1.0, "engine": 1.0}},
    }
    laid = {name: {**(document.get(name) or _NONE), **own.get(name, _NONE)} for name in {*document, *own}}
    lay_overrides(laid, plan.settings)
    if not synthetic:
        laid["mix"]["synthetic_per_real"] = 0.0
    if not pseudo:
        laid[STAGE]["pseudo_per_real"] = 0.0
    with atomic_path(folder.params) as partial:
        # lists in brackets: begin-round replaces them where they stand
        partial.write_text(yaml.safe_dump(laid, sort_keys=False, default_flow_style=None), encoding="utf-8")


def write_pipeline(folder: RoundFolder, test: str, held_out: str) -> None:
    """Write the dvc.yaml that `dataengine request` reads the places of files from."""
    commands = {
        "render": "--out data/render",
        "balance": "--out gate-balance",
        "select": f"--out select --rounds asked --labels labels{held_out and f' --held-out {held_out}'}",
        "compare": f"--out compare --test {test}",
    }
    stages = {name: {"cmd": f"dataengine {name} {words}"} for name, words in commands.items()}
    with atomic_path(folder.pipeline) as partial:
        partial.write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")


def _fit(plan: CampaignPlan, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "epochs": plan.epochs,
        "people_per_epoch": plan.people // plan.epochs,
        "patience": 0,
        "ship": "last",
        "only": None,
        "curriculum": [],
        "start_from": "starter",
    }
