"""A round of an arm, from labels to requests: each step is the command that a project runs, on files of the round.

Round 0 is fitted on real labels alone, and by it everything is chosen and asked for that round 1 begins with. Whether
pseudo-labels pay is asked of the validation people: the same mix is fitted with and without them, and the better fit
ships. Rare poses and clusters are those of round 0's labels in all rounds and arms, so that slices stay the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import read_project_people, write_people
from dataengine.files import fresh_folder, read_json, write_json
from dataengine.people import Images, People
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry

from ..sets import LabelledImages
from .answers import carry_answers
from .places import RoundFolder
from .plan import ARMS, START, CampaignPlan, CampaignRound
from .programs import RoundPrograms
from .settings import STAGE, write_pipeline, write_settings


@dataclass(frozen=True, kw_only=True)
class CampaignFiles:
    """What all rounds read."""

    val: Path
    test: Path
    fetched: Path
    cache: Path
    held_out: Path | None
    document: Mapping[str, Any]
    """The project's params.yaml."""


@dataclass(frozen=True, kw_only=True)
class RoundStart:
    """What a round begins with."""

    trial: CampaignRound
    folder: RoundFolder
    before: RoundFolder | None
    first: RoundFolder
    """Round 0 of the seed."""
    labelled: LabelledImages
    candidates: Images
    """Images without labels that this round looks at for the next."""
    library_renders: int


def play(files: CampaignFiles, plan: CampaignPlan, start: RoundStart, log: Path) -> None:
    """Play the round, as far as an earlier call has not; its folder then holds verdict, selection and requests."""
    trial, folder = start.trial, start.folder
    arm = ARMS.get(trial.arm)
    renders = bool(arm and arm.renders)
    programs = RoundPrograms(folder, log)
    _begin(files, plan, start, renders)
    people = start.labelled.people.replace(extras={"sha256": start.labelled.people.extras["sha256"]})
    write_people(folder.of("train.json"), people, start.labelled.images)
    programs.once("begin-round", "begin-round", "--params", folder.params)
    _balance(programs, folder, start)
    _mix(programs, files, folder, renders)
    tried = renders and start.before is not None and _write_pseudo(start.before, folder, start.labelled)
    _fit(programs, files, folder, "plain", folder.params)
    if tried:
        _fit(programs, files, folder, "pseudo", folder.of("params-pseudo.yaml"))
    _ship(folder, bool(tried))
    _judge(programs, files, folder)
    if arm is None or arm.selects:
        _choose(programs, files, start)
    if arm is None or arm.asks:
        programs.once(
            "request", "request", "--pipeline", folder.pipeline, "--params", folder.params,
            given=[folder.of("compare/verdict.json"), folder.of("select/to_label.json")],
        )  # fmt: skip


def _begin(files: CampaignFiles, plan: CampaignPlan, start: RoundStart, renders: bool) -> None:
    """Params, pipeline, and the registry and requests as the round before left them."""
    folder = start.folder
    pseudo = folder.of("params-pseudo.yaml")
    if folder.params.exists() and pseudo.exists():  # the last two to be written
        return
    folder.root.mkdir(parents=True, exist_ok=True)
    if start.before is None:
        write_registry(folder.of("registry.json"), Registry())
    else:
        shutil.copyfile(start.before.of("registry.json"), folder.of("registry.json"))
        for name in ("registry", "requests"):
            if start.before.of(name).is_dir():
                shutil.copytree(start.before.of(name), folder.of(name), dirs_exist_ok=True)
    if start.before is not None and renders and start.before.of("data/render").is_dir():
        shutil.copytree(start.before.of("data/render"), folder.of("data/render"), dirs_exist_ok=True)
    if start.trial.arm != START and not ARMS[start.trial.arm].asks:
        shutil.rmtree(folder.of("requests"), ignore_errors=True)
    if start.before is not None and start.trial.arm != START and ARMS[start.trial.arm].asks:
        carry_answers(start.before, folder, start.labelled)
    own: dict[str, Any] = {"seed": start.trial.seed, "library_renders": start.library_renders, "synthetic": renders}
    held_out = "" if files.held_out is None else os.path.relpath(files.held_out, folder.root)
    write_pipeline(folder, os.path.relpath(files.test, folder.root), held_out)
    write_settings(folder, files.document, plan, **own, pseudo=True)
    folder.params.replace(pseudo)
    write_settings(folder, files.document, plan, **own, pseudo=False)


def _balance(programs: RoundPrograms, folder: RoundFolder, start: RoundStart) -> None:
    train = folder.of("train.json")
    programs.once(
        "balance", "balance", "--train", train, "--out", folder.of("data/balance"), "--report",
        folder.of("reports/balance"), "--params", folder.params, given=[train],
    )  # fmt: skip
    if not folder.of("gate-balance").exists():
        with fresh_folder(folder.of("gate-balance")) as copy:
            shutil.copytree(start.first.of("data/balance"), copy, dirs_exist_ok=True)


def _mix(programs: RoundPrograms, files: CampaignFiles, folder: RoundFolder, renders: bool) -> None:
    render = folder.of("data/render")
    if renders:
        words: list[str | Path] = ["render", "--out", render, "--cache", files.cache, "--params", folder.params]
        programs.once("render", *words, given=[folder.params])
    else:
        write_people(render / "people.json", People.empty(), Images.build(id=[], path=[], width=[], height=[]))
    programs.once(
        "mix", "mix", "--real", folder.of("train.json"), "--synthetic", render / "people.json", "--requested",
        render / "requested", "--balance", folder.of("data/balance"), "--out", folder.of("data/mix"), "--report",
        folder.of("reports/mix"), *_held_out(files), "--params", folder.params,
        given=[render / "people.json", folder.of("train.json")],
    )  # fmt: skip


def _write_pseudo(before: RoundFolder, folder: RoundFolder, labelled: LabelledImages) -> bool:
    """What the network of the round before labelled, without pictures that people have labelled since; if anything."""
    people, images = read_project_people(before.of("pseudo/people.json"))
    kept = images.take(~np.isin(images.path, labelled.images.path))
    people = people.take(np.isin(people.image_id, kept.id))
    write_people(folder.of("pseudo.json"), people, kept)
    return len(people) > 0


def _fit(programs: RoundPrograms, files: CampaignFiles, folder: RoundFolder, name: str, params: Path) -> None:
    pseudo = folder.of("pseudo.json")
    if not pseudo.exists():
        write_people(pseudo, People.empty(), Images.build(id=[], path=[], width=[], height=[]))
    programs.once(
        f"fit-{name}", STAGE, "--mix", folder.of("data/mix"), "--pseudo", pseudo, "--val", files.val, *_held_out(files),
        "--out", folder.of(f"fits/{name}"), "--report", folder.of(f"reports/{name}"), "--params", params,
        given=[folder.of("data/mix/train.json"), pseudo],
    )  # fmt: skip


def _ship(folder: RoundFolder, tried: bool) -> None:
    """Take the fit that validates better; without pseudo-labels where both are alike."""
    ap = {name: val_ap(folder, name) for name in (("plain", "pseudo") if tried else ("plain",))}
    better = max(ap, key=lambda name: (ap[name], name == "plain"))
    write_json(folder.of("shipped.json"), {"fit": better, "val_ap": ap})


def val_ap(folder: RoundFolder, fit: str) -> float:
    """AP of a fit on the validation people."""
    return float(read_json(folder.of(f"reports/{fit}/metrics.json"))["val_oks_ap"])


def shipped(folder: RoundFolder) -> Path:
    """The checkpoint that the round ships."""
    return folder.of("fits") / str(read_json(folder.of("shipped.json"))["fit"])


def _judge(programs: RoundPrograms, files: CampaignFiles, folder: RoundFolder) -> None:
    """Export, the gate, and what becomes of its verdict."""
    network, common = shipped(folder), ("--params", folder.params)
    store = ("--registry", folder.of("registry.json"), "--store", folder.of("registry"))
    weights = network / "model.safetensors"
    programs.once(
        "export", "export", "--student", network, "--calibration", folder.of("train.json"), "--val", files.val, "--out",
        folder.of("export"), "--report", folder.of("reports/export"), *common, given=[weights],
    )  # fmt: skip
    programs.once(
        "compare", "compare", "--candidate", folder.of("export"), "--test", files.test, *store, "--balance",
        folder.of("gate-balance"), "--out", folder.of("compare"), *common, given=[folder.of("export/model.json")],
    )  # fmt: skip
    programs.once(
        "promote", "promote", "--comparison", folder.of("compare"), "--candidate", folder.of("export"), *store, "--out",
        folder.of("promote"), *common, given=[folder.of("compare/verdict.json")],
    )  # fmt: skip


def _choose(programs: RoundPrograms, files: CampaignFiles, start: RoundStart) -> None:
    """Pseudo-labels of the images without labels, and the pictures that the next round has labelled."""
    folder, network = start.folder, shipped(start.folder)
    pool, weights = folder.of("pool.json"), network / "model.safetensors"
    write_people(pool, People.empty(), start.candidates)
    programs.once(
        "pseudo-label", "pseudo-label", "--pool", pool, "--fetched", files.fetched, "--teacher", network, "--val",
        files.val, *_held_out(files), "--out", folder.of("pseudo"), "--report", folder.of("reports/pseudo-label"),
        "--params", folder.params, given=[pool, weights],
    )  # fmt: skip
    programs.once(
        "select", "select", "--student", network, "--candidates", folder.of("pseudo/candidates.json"), "--labelled",
        folder.of("train.json"), "--val", files.val, "--balance", folder.of("gate-balance"), *_held_out(files),
        "--rounds", folder.of("asked"), "--out", folder.of("select"), "--report", folder.of("reports/select"),
        "--params", folder.params, given=[folder.of("pseudo/candidates.json"), weights],
    )  # fmt: skip


def _held_out(files: CampaignFiles) -> Sequence[str | Path]:
    return () if files.held_out is None else ("--held-out", files.held_out)
