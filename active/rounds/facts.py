"""What a round did, gathered from the files that its stages left: asked, rendered, labelled, learnt, decided.

`gather` reads them all; a file that is missing, since a project lacks the stage, leaves its part out. Nothing is
computed again. The facts are plain values, as they stand in JSON and in the record of the round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.requests.pinned import RequestsParams, open_requests
from dataengine.requests.record import PoseRequest
from dataengine.rounds.answered import read_answers
from dataengine.rounds.ledger import work_of
from dataengine.rounds.places import ProjectPlaces

from ..manifest.files import MANIFEST, read_manifest
from ..query.pick_inputs import PICK_INPUTS, PickInputs

REQUESTED, OUTCOMES, VERDICT, PROMOTION = "requested", "requests.json", "verdict.json", "promotion.json"


def gather(places: ProjectPlaces, requests: RequestsParams, since: str) -> dict[str, Any]:
    """The facts of the round whose results lie in the project; `since`: when the round before ended, "" if none did."""
    asked = open_requests(requests)
    return {
        "asked": [request_facts(request) for request in asked],
        "rendered": _rendered(places, asked),
        "to_label": _to_label(places, asked),
        "labelled": _labelled(places, since),
        "learnt": _learnt(places),
        "decided": _decided(places),
    }


def request_facts(request: PoseRequest) -> dict[str, Any]:
    """What the page says of a request."""
    asked = request.asked
    return {
        "id": request.id,
        "asked_by": asked.asked_by,
        "round": asked.round,
        "part": asked.part,
        "reason": asked.reason,
        "renders": asked.renders,
        "labels": asked.labels,
        "examples": len(request.people),
        "state": request.state.now,
        "brought": dict(request.state.brought),
    }


def _rendered(places: ProjectPlaces, asked: Sequence[PoseRequest]) -> dict[str, Any] | None:
    out = places.of("render", "--out")
    if out is None or not (out / "people.json").exists():
        return None
    people, images = read_project_people(out / "people.json")
    facts: dict[str, Any] = {"images": len(images), "people": len(people), "requested": 0, "requests": {}}
    if (out / REQUESTED / OUTCOMES).exists():
        outcomes = dict(read_json(out / REQUESTED / OUTCOMES))
        facts["requested"] = sum(int(each["renders"]) for each in outcomes.values())
        facts["requests"] = outcomes
    return facts


def _to_label(places: ProjectPlaces, asked: Sequence[PoseRequest]) -> dict[str, Any] | None:
    """The picks, the bill for labelling them, and how many each request has among them."""
    out = places.of("select", "--out")
    if out is None or not (out / MANIFEST).exists():
        return None
    manifest = read_manifest(out / MANIFEST)
    picks = manifest["images"].values()
    people = sum(len(pick["people"]) for pick in picks)
    joints = PickInputs.read(out / PICK_INPUTS).joints * people if (out / PICK_INPUTS).exists() else None
    seconds = float(manifest.get("seconds_per_joint", 0))
    return {
        "images": len(picks),
        "people": people,
        "joints": joints,
        "minutes": None if joints is None else round(joints * seconds / 60, 1),
        "strategy": str(manifest.get("strategy", "")),
        "requests": {request.id: sum(pick.get("request") == request.id for pick in picks) for request in asked},
        "first": [
            {"rank": pick["rank"], "why": pick["why"]} for pick in sorted(picks, key=lambda pick: pick["rank"])[:12]
        ],
    }


def _labelled(places: ProjectPlaces, since: str) -> dict[str, Any] | None:
    """The answers that came since the round before, and what the teachers labelled by themselves."""
    store = places.of("select", "--labels")
    work = work_of([each for each in read_answers(store) if each.at > since]) if store is not None else None
    pseudo = _json(places.of("pseudo-label", "--report"), "metrics.json")
    if work is None and pseudo is None:
        return None
    people = {} if work is None else {"images": work.answered, "joints": work.joints, "minutes": round(work.minutes, 1)}
    kept = (
        {name: pseudo[name] for name in ("frames", "people_found", "people_kept") if name in pseudo} if pseudo else {}
    )
    return {"by_people": people, "by_teachers": kept}


def _learnt(places: ProjectPlaces) -> dict[str, Any]:
    """Validation AP of the fits, and AP of the candidate on the test set with its interval."""
    facts: dict[str, Any] = {}
    for stage in ("fit-teacher", "fit-student"):
        metrics = _json(places.of(stage, "--report"), "metrics.json")
        if metrics and "val_oks_ap" in metrics:
            facts[stage] = {"val_oks_ap": metrics["val_oks_ap"]}
    verdict = _json(places.of("compare", "--out"), VERDICT)
    if verdict:
        facts["test"] = {name: verdict.get(name) for name in ("AP", "champion_AP", "gain")}
        facts["slices"] = {
            row["name"]: {"AP": row["candidate"], "gain": row["gain"], "people": row["people"]}
            for row in verdict.get("slices", ())
            if row["candidate"] is not None
        }
    return facts


def _decided(places: ProjectPlaces) -> dict[str, Any] | None:
    verdict = _json(places.of("compare", "--out"), VERDICT)
    if verdict is None:
        return None
    promotion = _json(places.of("promote", "--out"), PROMOTION) or {}
    return {
        "number": verdict["round"],
        "verdict": verdict["verdict"],
        "reason": verdict["reason"],
        "candidate": verdict["candidate"],
        "champion": verdict["champion"],
        "warnings": list(verdict.get("warnings", ())),
        "outcome": promotion.get("outcome", ""),
        "outcome_reason": promotion.get("reason", ""),
    }


def _json(folder: Path | None, name: str) -> Mapping[str, Any] | None:
    path = None if folder is None else folder / name
    if path is None or not path.exists():
        return None
    record = read_json(path)
    if not isinstance(record, dict):
        raise InputError(f"{path} is not what its stage writes", expected="keys with values", fix="run `dvc repro`")
    return record
