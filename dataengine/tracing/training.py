"""What training makes of a picture: its pose clusters, how often the mix draws it, what the teachers' labels became."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dataengine.files import read_json
from dataengine.mixing import MixRecipe, read_recipe, share_of
from dataengine.terminal.speech import count

from .finding import FoundSample
from .section import Section
from .tables import PictureRow

RECIPE_NAME, KEPT = "recipe.json", "kept"


def mix_section(sample: FoundSample) -> Section:
    """How often each person in it is drawn, and why: cluster, repeat factor, rarity."""
    path = sample.catalogue.file("mix", "--out", RECIPE_NAME)
    if path is None:
        return Section("mix", ("unknown: the mix was not made, or not pulled",), {"in_mix": None})
    rows = sample.rows("mix")
    if not rows:
        return Section("mix", ("not in it",), {"in_mix": False})
    people = [person for row in rows for person in row.people]
    if not people:
        return Section("mix", ("in it, as a picture that shows nobody",), {"in_mix": True, "people": []})
    draws = draws_per_pass(sample.catalogue.rows("mix"), read_recipe(path))
    shown = [_person(person, draws(person)) for person in people]
    lines = [
        f"{each['source']} person: drawn {each['draws']:.2f} times each time that the mix is drawn; "
        f"cluster {each['cluster']}, repeat factor {each['repeat_factor']}, rarity {each['rarity']}"
        + (", a pose that no real training person shows" if each["novel"] else "")
        for each in shown
    ]
    return Section("mix", tuple(lines), {"in_mix": True, "people": shown})


def draws_per_pass(rows: Sequence[PictureRow], recipe: MixRecipe) -> Any:
    """A function from a person's record to how often, on average, one pass of the mix draws it.

    Real people by their repeat factors; the others share what the recipe draws of them for each real one, see
    `dataengine.mixing.draw_epoch`.
    """
    people = [person for row in rows for person in row.people]
    number = Counter(str(person.get("source", "real")) for person in people)
    real = round(sum(float(p.get("repeat_factor", 1.0)) for p in people if p.get("source", "real") == "real"))
    drawn = {
        "synthetic": share_of(real, recipe.synthetic_per_real),
        "pseudo": share_of(real, recipe.pseudo_per_real),
    }

    def draws(person: Mapping[str, Any]) -> float:
        source = str(person.get("source", "real"))
        if recipe.only is not None and source != recipe.only:
            return 0.0
        if source == "real":
            return float(person.get("repeat_factor", 1.0))
        return 1.0 if recipe.only == source else drawn[source] / number[source]

    return draws


def _person(person: Mapping[str, Any], draws: float) -> dict[str, Any]:
    stated = {name: person.get(name, "unknown") for name in ("cluster", "repeat_factor", "rarity")}
    return {"source": person.get("source", "real"), "draws": draws, **stated, "novel": bool(person.get("novel"))}


def pseudo_section(sample: FoundSample) -> Section:
    """Whom the teachers found in it, which joints were accepted, and why the others were not."""
    path = sample.catalogue.file("pseudo-label", "--out", "candidates.json")
    if path is None:
        return Section("pseudo", ("unknown: pseudo-label has not run, or its result was not pulled",), {"asked": None})
    rows = sample.rows("candidates")
    if not rows:
        return Section("pseudo", ("not asked: teachers label the pool alone",), {"asked": False})
    people = [_judged(person) for row in rows for person in row.people]
    if not people:
        by_hand = any(sample.sha256 in file.sha256.tolist() for file in sample.catalogue.label_files)
        line = "left to the people who labelled it" if by_hand else "nobody was found in it"
        return Section("pseudo", (line,), {"asked": True, "people": []})
    return Section("pseudo", tuple(map(_words, people)), {"asked": True, "people": people})


def _judged(person: Mapping[str, Any]) -> dict[str, Any]:
    reasons = Counter(str(reason) for reason in person.get("reasons", []))
    return {
        "kept": bool(person.get("kept")),
        "dropped_for": str(person.get("dropped_for", "")),
        "accepted_joints": reasons.pop(KEPT, 0),
        "rejected_joints": dict(sorted(reasons.items())),
        "track": person.get("track_id", -1),
    }


def _words(judged: Mapping[str, Any]) -> str:
    rejected = ", ".join(f"{number} {reason}" for reason, number in judged["rejected_joints"].items())
    joints = f"{count(judged['accepted_joints'], 'joint')} accepted" + (f"; rejected: {rejected}" if rejected else "")
    if judged["kept"]:
        return f"a person, labelled by teachers: {joints}"
    return f"a person, dropped ({judged['dropped_for'] or 'reason unknown'}): {joints}"


def labels_of_mix(sample: FoundSample) -> list[str]:
    """The label files that the mix was made of, as it says."""
    path = sample.catalogue.file("mix", "--out", "train.json")
    info = read_json(path).get("info") if path else None
    params = info.get("params") if isinstance(info, dict) else None
    return [str(name) for name in params.get("labels", [])] if isinstance(params, dict) else []
