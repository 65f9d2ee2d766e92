"""Operators on the rule: what it would pick with other values, and which lines of params.yaml say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fiftyone.operators import types

from ...choice.strategies import STRATEGIES
from ...query.select_params import ScoreWeights, SelectParams
from .place import ProjectPlace
from .said import PoseOperator, Result, place
from .trying import RULE, Tried, as_options, as_yaml, stated, try_rule, with_changes

SHARES = {"appearance_weight": (0.0, 1.0), "film_excess": (1.0, 5.0)}
MOST_WEIGHT = 3.0


def changes_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """What of an operator's or a panel's values belongs to the rule."""
    known = {*RULE, *asdict(ScoreWeights())}
    return {key: value for key, value in params.items() if key in known}


def ask_rule(form: Any, present: SelectParams, **events: Any) -> None:
    """Sliders for the rule, at the present values; `events` go to each."""
    choices = types.DropdownView()
    for name in STRATEGIES:
        choices.add_choice(name, label=name)
    form.enum("strategy", choices.values(), default=present.strategy, label="Rule", view=choices, **events)
    form.float("budget", min=0, default=present.budget, label=f"Budget ({present.budget_unit})", **events)
    for name, (low, high) in SHARES.items():
        _slider(form, name, getattr(present, name), low, high, **events)
    for name, value in asdict(present.weights).items():
        if value > 0:  # the others were not computed
            _slider(form, name, value, 0.0, max(MOST_WEIGHT, value), **events)


def tried(where: ProjectPlace, params: Mapping[str, Any]) -> tuple[SelectParams, Tried]:
    """The params with the changes, and what they pick."""
    changed = with_changes(stated(where), changes_of(params))
    return changed, try_rule(where, changed)


def in_words(made: Tried, params: SelectParams) -> str:
    """What was picked, compared with what `select` picked."""
    compared = f"{made.new} of them new" if made.new else "all of them picked already"
    return f"{len(made.sha256)} picks from {made.films} films for {made.spent:g} {params.budget_unit}, {compared}"


def picks_view(dataset: Any, sha256: tuple[str, ...]) -> Any:
    """A view of these pictures in their order."""
    row = dict(zip(*dataset.values(["sha256", "id"]), strict=True))
    return dataset.select([row[key] for key in sha256 if key in row], ordered=True)


class PreviewPicks(PoseOperator):
    """What another rule would pick."""

    label, icon = "Preview picks", "tune"
    description = (
        "What select would pick with other values: from its stored scores, no network runs, nothing is written"
    )

    def inputs(self, ctx: Any, form: Any) -> None:
        """The rule."""
        ask_rule(form, stated(place(ctx)))

    def work(self, ctx: Any) -> Result:
        """Picks, and shows the picks."""
        params, made = tried(place(ctx), ctx.params)
        if ctx.executor is not None:
            ctx.ops.set_view(view=picks_view(ctx.dataset, made.sha256))
        return {"message": in_words(made, params), "picks": list(made.sha256), "new": made.new, "spent": made.spent}


class UseTheseParams(PoseOperator):
    """How to keep a rule."""

    label, icon = "Use these params", "content_copy"
    description = "Show the lines of params.yaml, and the options of dvc exp run, that select needs; writes nothing"

    def inputs(self, ctx: Any, form: Any) -> None:
        """The rule."""
        ask_rule(form, stated(place(ctx)))

    def work(self, ctx: Any) -> Result:
        """Says them."""
        present = stated(place(ctx))
        params = with_changes(present, changes_of(ctx.params))
        options = as_options(params, present)
        if not options:
            return {"message": "these are the values of params.yaml", "yaml": "", "options": ""}
        message = f"put into params.yaml, or run: dvc exp run {options}"
        return {"message": message, "yaml": as_yaml(params, present), "options": options}

    def resolve_output(self, ctx: Any) -> Any:
        """The line, and the lines to copy."""
        form = types.Object()
        form.str("message", label="params.yaml is not touched")
        form.str("yaml", label="params.yaml", view=types.CodeView(language="yaml", read_only=True))
        return types.Property(form)


def _slider(form: Any, name: str, value: float, low: float, high: float, **events: Any) -> None:
    form.float(name, min=low, max=high, default=value, label=name.replace("_", " "), view=types.SliderView(), **events)


REGISTERED = (PreviewPicks, UseTheseParams)
