"""What the tabs of the panel show; their buttons and fields call the events of `panel.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fiftyone.operators import types

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from .fields import current_answer
from .picks import queue
from .picture import figure
from .round_facts import forecast, round_facts
from .rule_operators import ask_rule
from .said import place
from .trying import stated

ROWS = 8
"""How much of the queue is listed."""


def show_queue(ctx: Any, panel: Any, events: Any) -> None:
    """The picture in hand with its joints, and what comes next."""
    listed = queue(ctx)
    done = sum(bool(row["finished"]) for row in listed)
    panel.md(f"**{done} of {len(listed)} picks finished.** {ctx.panel.state.note or ''}", name="progress")
    key = ctx.panel.state.picture
    shown = [row for row in listed if row["sha256"] == key]  # none where another selection was made meanwhile
    if shown:
        _show_picture(ctx, panel, events, shown[0])
    elif any(not row["finished"] for row in listed):
        panel.h_stack("begin", gap=1).btn("next", label="Next", on_click=events.go_on, variant="outlined")
    ahead = [row for row in listed if not row["finished"]][:ROWS]
    table = ["| rank | why | |", "|---|---|---|"]
    table += [f"| {row['rank'] + 1} | {row['why']} | {'here' if row['sha256'] == key else ''} |" for row in ahead]
    panel.md("\n".join(table), name="queue")


def _show_picture(ctx: Any, panel: Any, events: Any, row: dict[str, Any]) -> None:
    sample = ctx.dataset[row["id"]]
    answer = current_answer(sample, place(ctx))
    number, joint = int(ctx.panel.state.person or 0), ctx.panel.state.joint or COCO_KEYPOINTS[0]
    person = answer.person(number)
    panel.md(f"**Pick {row['rank'] + 1}**: {row['why']}. {answer.open} joints are open.", name="why")
    try:
        data, layout = figure(Path(sample.filepath), person, COCO_KEYPOINTS.index(joint))
    except InputError as fault:  # of the picture alone: the others go on
        panel.md(f"**{fault}**", name="no_picture")
        panel.h_stack("without", gap=1).btn("next", label="Next", on_click=events.go_on, variant="outlined")
        return
    panel.plot(
        "figure", data=data, layout=layout, config={"displayModeBar": False}, on_click=events.place_joint,
        height=60,
    )  # fmt: skip
    joints = types.DropdownView()
    for at, name in enumerate(COCO_KEYPOINTS):
        mark = person.decision[at] or ("open" if person.visibility[at] else "not placed")
        joints.add_choice(name, label=f"{name.replace('_', ' ')}: {mark}")
    people = types.DropdownView()
    for each in range(len(answer.people)):
        people.add_choice(each, label=f"person {each}")
    panel.enum("joint", joints.values(), default=joint, view=joints, label="Joint to move", on_change=events.choose)
    panel.enum("person", people.values(), default=number, view=people, label="Person", on_change=events.choose)
    for name, buttons in _buttons(events).items():
        stack = panel.h_stack(name, gap=1)
        for called, label, event in buttons:
            stack.btn(called, label=label, on_click=event, variant="contained" if called == "finish" else "outlined")
    panel.str("annotator", label="Your name", on_change=events.choose)


def _buttons(events: Any) -> dict[str, list[tuple[str, str, Any]]]:
    return {
        "of_joint": [
            ("accept", "Accept", events.accept_one),
            ("reject", "Reject", events.reject_one),
            ("hide", "Hidden", events.hide),
            ("unhide", "Visible", events.unhide),
            ("teacher", "Teacher's", events.take_teacher),
            ("student", "Student's", events.take_student),
        ],
        "of_person": [
            ("accept_all", "Accept all", events.accept_all),
            ("reject_person", "Nobody there", events.reject_person),
            ("add_person", "Add person", events.add_person),
            ("open", "Open", events.open_picture),
            ("next", "Next", events.go_on),
            ("finish", "Finish", events.finish),
        ],
    }


def show_rule(ctx: Any, panel: Any, events: Any) -> None:
    """Sliders, and what the rule would pick."""
    panel.md(ctx.panel.state.tried or "Move a slider: the grid shows what would be picked.", name="tried_line")
    form = types.Object()
    ask_rule(form, stated(place(ctx)), on_change=events.preview)
    panel.define_property("rule", form, view=types.ObjectView())
    stack = panel.h_stack("rule_buttons", gap=1)
    stack.btn("show_params", label="Use these params", on_click=events.show_params, variant="contained")
    stack.btn("show_picks", label="Back to the picks", on_click=events.show_picks, variant="outlined")
    if ctx.panel.state.kept:
        panel.md(ctx.panel.state.kept, name="kept_lines")


def show_round(ctx: Any, panel: Any, events: Any) -> None:
    """The last verdict, every model that was tested, and what the picks are likely to buy."""
    facts = round_facts(place(ctx).project)
    panel.md("\n\n".join([*facts.lines()[:1], forecast(place(ctx))]), name="verdict")
    if facts.tested:
        layout = {"yaxis": {"title": {"text": "AP"}, "range": [0, 1]}, "height": 320}
        panel.plot("curve", data=facts.curve(), layout=layout, height=45)
        panel.md("\n".join(facts.lines()[1:]), name="tested")


SHOWN: Mapping[str, Callable[[Any, Any, Any], None]] = {"queue": show_queue, "rule": show_rule, "round": show_round}
"""Tab -> what shows it, given FiftyOne's context, the form to add to, and the panel with the events."""
