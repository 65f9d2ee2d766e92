"""The panel "Pose curation": the queue with the picture to click on, the rule with its live preview, the round.

Here are its events: each calls what the operators call (`said.py` wraps both), so what is done here can be done by a
script, too. What it shows is in `panel_tabs.py`.
"""

from __future__ import annotations

from typing import Any

from fiftyone import operators as foo
from fiftyone.operators import types
from pymongo.errors import PyMongoError

from dataengine.errors import DataEngineError
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, VISIBLE

from .fields import GUESSES
from .joint_operators import AcceptJoints, FinishImage, FixJoint, RejectJoints, SetVisibility
from .panel_tabs import SHOWN
from .people_operators import AddPerson
from .picks import next_waiting, queue
from .rule_operators import UseTheseParams, changes_of, in_words, picks_view, tried
from .said import PoseOperator, Result, one_line, place, said, to_label

TABS = {"queue": "Queue", "rule": "Rule", "round": "Round"}


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
        """Takes the next pick that nobody has finished, by rank."""

        def work(ctx: Any) -> Result:
            row, words = next_waiting(queue(ctx), ctx.panel.state.picture or "")
            ctx.panel.set_state({"picture": row["sha256"] if row else "", "person": 0})
            return {"message": words}

        self._note(ctx, said(ctx, work))

    def choose(self, ctx: Any) -> None:
        """A joint, a person or a name was chosen: the App has put it into the state."""

    def place_joint(self, ctx: Any) -> None:
        """The chosen joint lies where the picture was clicked; after one that had no place the next is chosen."""
        at = {"x": ctx.params.get("x"), "y": ctx.params.get("y"), "joint": ctx.panel.state.joint}
        if self._do(ctx, FixJoint, at).get("was_placed") is False:
            self._next_joint(ctx)

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

    def add_person(self, ctx: Any) -> None:
        """Somebody is there whom nobody has found: the next clicks place the joints."""
        result = self._do(ctx, AddPerson, {})
        if result["ok"]:
            ctx.panel.set_state({"person": result["person"], "joint": COCO_KEYPOINTS[0]})

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
        if not result.get("yaml"):  # nothing differs, or it went wrong
            ctx.panel.state.kept = result["message"]
            return
        lines = f"params.yaml:\n\n```yaml\n{result['yaml']}\n```\n\n`dvc exp run {result['options']}`"
        ctx.panel.state.kept = lines

    def show_picks(self, ctx: Any) -> None:
        """Back to what select picked."""
        ctx.ops.set_view(view=to_label(ctx.dataset))

    def render(self, ctx: Any) -> Any:
        """The tab that is open; a fault is one line in its place."""
        panel = types.Object()
        tab = ctx.panel.state.tab or "queue"
        tabs = types.TabsView()
        for key, label in TABS.items():
            tabs.add_choice(key, label=label)
        panel.enum("tab", tabs.values(), default=tab, view=tabs, on_change=self.change_tab)
        try:
            SHOWN[tab](ctx, panel, self)
        except (DataEngineError, PyMongoError) as fault:
            panel.md(f"**{one_line(fault)}**", name="fault")
        return types.Property(panel, view=types.GridView(orientation="vertical", gap=1, padding=1))

    def _do(self, ctx: Any, operator: type[PoseOperator], params: dict[str, Any], *, then_next: bool = False) -> Result:
        """An operator's work on the picture and person of the panel."""
        state = ctx.panel.state
        meant = {"image": state.picture, "person": int(state.person or 0)}
        result = self._run(ctx, operator, {**meant, **params})
        self._note(ctx, result)
        if then_next and result["ok"]:
            self._next_joint(ctx)
        return result

    def _next_joint(self, ctx: Any) -> None:
        row = COCO_KEYPOINTS.index(ctx.panel.state.joint)
        ctx.panel.state.joint = COCO_KEYPOINTS[(row + 1) % len(COCO_KEYPOINTS)]

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


REGISTERED = (PoseCuration,)
