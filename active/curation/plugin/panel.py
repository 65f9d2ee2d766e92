"""The panel "Pose curation": the queue with the picture to click on, the rule with its live preview, the round.

It calls what the operators call (`said.py` wraps both), so what is done here can be done by a script, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fiftyone import operators as foo
from fiftyone.operators import types

from dataengine.errors import DataEngineError, InputError
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, VISIBLE

from .fields import GUESSES, current_answer
from .joint_operators import AcceptJoints, FinishImage, FixJoint, RejectJoints, SetVisibility
from .journal import read_answers
from .picture import figure
from .round_facts import round_facts
from .rule_operators import UseTheseParams, ask_rule, changes_of, in_words, picks_view, tried
from .said import PoseOperator, Result, place, said, to_label
from .trying import stated

TABS = {"queue": "Queue", "rule": "Rule", "round": "Round"}
ROWS = 8
"""How much of the queue is listed."""


class PoseCuration(foo.Panel):
    """One panel with three tabs."""

    @property
    def config(self) -> Any:
        """What FiftyOne lists."""
        return foo.PanelConfig(
            name="pose_curation",
            label="Pose curation",
            icon="accessibility_new",
            surfaces="grid modal",
            help_markdown="Label the picks joint by joint, try other rules, and see how the round stands.",
        )

    # --- events: each does one operator's work, and says one line ---

    def on_load(self, ctx: Any) -> None:
        """Starts at the most wanted pick."""
        state = ctx.panel.state
        if not state.tab:
            ctx.panel.set_state({"tab": "queue", "joint": COCO_KEYPOINTS[0], "person": 0})
        if not state.picture:
            self.go_on(ctx)

    def change_tab(self, ctx: Any) -> None:
        """Shows another tab."""
        ctx.panel.state.tab = ctx.params.get("value") or ctx.panel.state.tab

    def go_on(self, ctx: Any) -> None:
        """Takes the most wanted pick that nobody has finished."""

        def work(ctx: Any) -> Result:
            finished = {key for key, each in read_answers(place(ctx).answers).items() if each.finished_by}
            waiting = [key for key in to_label(ctx.dataset).values("sha256") if key not in finished]
            ctx.panel.set_state({"picture": waiting[0] if waiting else "", "person": 0})
            return {"message": f"{len(waiting)} picks are waiting" if waiting else "every pick is finished"}

        self._note(ctx, said(ctx, work))

    def open_row(self, ctx: Any) -> None:
        """Takes the picture of a row of the table."""
        row = ctx.params.get("row")
        listed = _queue(ctx)
        if isinstance(row, int) and row < len(listed):
            ctx.panel.set_state({"picture": listed[row]["sha256"], "person": 0})

    def choose(self, ctx: Any) -> None:
        """A joint, a person or a name was chosen: the App has put it into the state."""

    def place_joint(self, ctx: Any) -> None:
        """The chosen joint lies where the picture was clicked."""
        at = {"x": ctx.params.get("x"), "y": ctx.params.get("y"), "joint": ctx.panel.state.joint}
        self._do(ctx, FixJoint, at)

    def accept_one(self, ctx: Any) -> None:
        """The chosen joint is right."""
        self._do(ctx, AcceptJoints, {"joints": [ctx.panel.state.joint]}, then_next=True)

    def accept_all(self, ctx: Any) -> None:
        """All of the person is right."""
        self._do(ctx, AcceptJoints, {"joints": []})

    def reject_one(self, ctx: Any) -> None:
        """The chosen joint is not labelled."""
        self._do(ctx, RejectJoints, {"joints": [ctx.panel.state.joint]}, then_next=True)

    def reject_person(self, ctx: Any) -> None:
        """Nobody stands there."""
        self._do(ctx, RejectJoints, {"joints": []})

    def hide(self, ctx: Any) -> None:
        """The chosen joint is hidden."""
        self._do(ctx, SetVisibility, {"joints": [ctx.panel.state.joint], "visibility": OCCLUDED})

    def unhide(self, ctx: Any) -> None:
        """The chosen joint is visible."""
        self._do(ctx, SetVisibility, {"joints": [ctx.panel.state.joint], "visibility": VISIBLE})

    def take_teacher(self, ctx: Any) -> None:
        """The chosen joint lies where the teacher has it."""
        self._do(ctx, FixJoint, {"joint": ctx.panel.state.joint, "source": GUESSES[0]})

    def take_student(self, ctx: Any) -> None:
        """The chosen joint lies where the student has it."""
        self._do(ctx, FixJoint, {"joint": ctx.panel.state.joint, "source": GUESSES[1]})

    def finish(self, ctx: Any) -> None:
        """The picture is answered; the next one follows."""
        result = self._do(ctx, FinishImage, {"annotator": ctx.panel.state.annotator})
        if result["ok"]:
            self.go_on(ctx)

    def open_picture(self, ctx: Any) -> None:
        """Opens the picture in the App, with all its fields."""
        for sample_id in to_label(ctx.dataset).match({"sha256": ctx.panel.state.picture}).values("id"):
            ctx.ops.open_sample(id=sample_id)

    def preview(self, ctx: Any) -> None:
        """A slider moved: what the rule picks now."""

        def work(ctx: Any) -> Result:
            params, made = tried(place(ctx), changes_of(ctx.panel_state.get("rule") or {}))
            ctx.ops.set_view(view=picks_view(ctx.dataset, made.sha256))
            return {"message": in_words(made, params)}

        ctx.panel.state.tried = said(ctx, work)["message"]

    def show_params(self, ctx: Any) -> None:
        """The lines that keep the rule."""
        result = self._run(ctx, UseTheseParams, changes_of(ctx.panel_state.get("rule") or {}))
        lines = f"params.yaml:\n\n```yaml\n{result['yaml']}\n```\n\n`dvc exp run {result['options']}`"
        ctx.panel.state.kept = lines if result.get("yaml") else result["message"]

    def show_picks(self, ctx: Any) -> None:
        """Back to what select picked."""
        ctx.ops.set_view(view=to_label(ctx.dataset))

    # --- what is shown ---

    def render(self, ctx: Any) -> Any:
        """The tab that is open; a fault is one line in its place."""
        panel = types.Object()
        tab = ctx.panel.state.tab or "queue"
        tabs = types.TabsView()
        for key, label in TABS.items():
            tabs.add_choice(key, label=label)
        panel.enum("tab", tabs.values(), default=tab, view=tabs, on_change=self.change_tab)
        try:
            getattr(self, f"_show_{tab}")(ctx, panel)
        except DataEngineError as fault:
            panel.md(f"**{fault}**", name="fault")
        return types.Property(panel, view=types.GridView(orientation="vertical", gap=1, padding=1))

    def _show_queue(self, ctx: Any, panel: Any) -> None:
        listed = _queue(ctx)
        done = sum(bool(row["finished"]) for row in listed)
        panel.md(f"**{done} of {len(listed)} picks finished.** {ctx.panel.state.note or ''}", name="progress")
        key = ctx.panel.state.picture
        if key:
            self._show_picture(ctx, panel, next(row for row in listed if row["sha256"] == key))
        ahead = [row for row in listed if not row["finished"]][:ROWS]
        table = ["| rank | why | |", "|---|---|---|"]
        table += [f"| {row['rank'] + 1} | {row['why']} | {'here' if row['sha256'] == key else ''} |" for row in ahead]
        panel.md("\n".join(table), name="queue")

    def _show_picture(self, ctx: Any, panel: Any, row: dict[str, Any]) -> None:
        sample = ctx.dataset[row["id"]]
        answer = current_answer(sample, place(ctx))
        number, joint = int(ctx.panel.state.person or 0), ctx.panel.state.joint or COCO_KEYPOINTS[0]
        person = answer.person(number)
        panel.md(f"**Pick {row['rank'] + 1}**: {row['why']}. {answer.open} joints are open.", name="why")
        data, layout = figure(Path(sample.filepath), person, COCO_KEYPOINTS.index(joint))
        panel.plot(
            "figure", data=data, layout=layout, config={"displayModeBar": False}, on_click=self.place_joint,
            height=60,
        )  # fmt: skip
        joints = types.DropdownView()
        for at, name in enumerate(COCO_KEYPOINTS):
            mark = person.decision[at] or ("open" if person.visibility[at] else "not placed")
            joints.add_choice(name, label=f"{name.replace('_', ' ')}: {mark}")
        people = types.DropdownView()
        for each in range(len(answer.people)):
            people.add_choice(each, label=f"person {each}")
        panel.enum("joint", joints.values(), default=joint, view=joints, label="Joint to move", on_change=self.choose)
        panel.enum("person", people.values(), default=number, view=people, label="Person", on_change=self.choose)
        for name, buttons in self._buttons().items():
            stack = panel.h_stack(name, gap=1)
            for called, label, event in buttons:
                stack.btn(
                    called, label=label, on_click=event, variant="contained" if called == "finish" else "outlined"
                )
        panel.str("annotator", label="Your name", on_change=self.choose)

    def _buttons(self) -> dict[str, list[tuple[str, str, Any]]]:
        return {
            "of_joint": [
                ("accept", "Accept", self.accept_one),
                ("reject", "Reject", self.reject_one),
                ("hide", "Hidden", self.hide),
                ("unhide", "Visible", self.unhide),
                ("teacher", "Teacher's", self.take_teacher),
                ("student", "Student's", self.take_student),
            ],
            "of_person": [
                ("accept_all", "Accept all", self.accept_all),
                ("reject_person", "Nobody there", self.reject_person),
                ("open", "Open", self.open_picture),
                ("next", "Next", self.go_on),
                ("finish", "Finish", self.finish),
            ],
        }

    def _show_rule(self, ctx: Any, panel: Any) -> None:
        panel.md(ctx.panel.state.tried or "Move a slider: the grid shows what would be picked.", name="tried_line")
        form = types.Object()
        ask_rule(form, stated(place(ctx)), on_change=self.preview)
        panel.define_property("rule", form, view=types.ObjectView())
        stack = panel.h_stack("rule_buttons", gap=1)
        stack.btn("show_params", label="Use these params", on_click=self.show_params, variant="contained")
        stack.btn("show_picks", label="Back to the picks", on_click=self.show_picks, variant="outlined")
        if ctx.panel.state.kept:
            panel.md(ctx.panel.state.kept, name="kept_lines")

    def _show_round(self, ctx: Any, panel: Any) -> None:
        facts = round_facts(place(ctx).project)
        panel.md("\n\n".join(facts.lines()[:1]), name="verdict")
        if facts.tested:
            layout = {"yaxis": {"title": {"text": "AP"}, "range": [0, 1]}, "height": 320}
            panel.plot("curve", data=facts.curve(), layout=layout, height=45)
            panel.md("\n".join(facts.lines()[1:]), name="tested")

    # --- helpers ---

    def _do(self, ctx: Any, operator: type[PoseOperator], params: dict[str, Any], *, then_next: bool = False) -> Result:
        """An operator's work on the picture and person of the panel."""
        state = ctx.panel.state
        meant = {"image": state.picture, "person": int(state.person or 0)}
        result = self._run(ctx, operator, {**meant, **params})
        self._note(ctx, result)
        if then_next and result["ok"]:
            row = COCO_KEYPOINTS.index(state.joint)
            ctx.panel.state.joint = COCO_KEYPOINTS[(row + 1) % len(COCO_KEYPOINTS)]
        return result

    def _run(self, ctx: Any, operator: type[PoseOperator], params: dict[str, Any]) -> Result:
        kept = dict(ctx.params)
        ctx.params.clear()
        ctx.params.update(params)
        try:
            return operator().execute(ctx)
        finally:
            ctx.params.clear()
            ctx.params.update(kept)

    def _note(self, ctx: Any, result: Result) -> None:
        ctx.panel.state.note = result["message"]


def _queue(ctx: Any) -> list[dict[str, Any]]:
    """The picks with what is finished, most wanted first."""
    if ctx.dataset is None:
        raise InputError("no dataset is open", fix="open the App by `dataengine app`")
    answers = read_answers(place(ctx).answers)
    names = ("id", "sha256", "rank", "why")
    rows = zip(*to_label(ctx.dataset).values(list(names)), strict=True)
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    for row in listed:
        row["finished"] = answers[row["sha256"]].finished_by if row["sha256"] in answers else ""
    return listed


REGISTERED = (PoseCuration,)
