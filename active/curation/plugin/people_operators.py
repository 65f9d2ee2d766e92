"""The operator that adds a person whom no network has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from . import joints as rules
from .fields import current_answer, size_of
from .joint_operators import save
from .said import PoseOperator, Result, ask_picture, place, sample_of


class AddPerson(PoseOperator):
    """Somebody is there whom no network has found."""

    label, icon = "Add a person", "person_add"
    description = "Somebody is there whom no network has found: then place the joints by fix_joint, or in the panel"

    def inputs(self, ctx: Any, form: Any) -> None:
        """In which picture; `points` is for scripts."""
        ask_picture(form, person=False)

    def work(self, ctx: Any) -> Result:
        """Adds the person, with no joint placed but those of `points`."""
        where, sample = place(ctx), sample_of(ctx)
        answer = current_answer(sample, where)
        person = _placed(ctx.params.get("points") or {}, size_of(sample))
        answer = answer.with_another(person)
        save(ctx, where, sample, answer)
        number = len(answer.people) - 1
        placed = int((person.visibility > 0).sum())
        words = f"{placed} joints placed" if placed else "no joint is placed yet: fix_joint, or click in the panel"
        return {
            "message": f"person {number} added; {words}", "sha256": answer.sha256, "person": number,
            "open": answer.open,
        }  # fmt: skip


def _placed(points: Any, size: tuple[int, int]) -> rules.PersonAnswer:
    """A person with the joints of ``name -> [x, y]`` or ``[x, y, visibility]``, in pixels, and no others.

    Raises:
        InputError: a name is unknown, a place is none or outside of the picture, or the flag is not 1 or 2.
    """
    if not isinstance(points, Mapping):
        raise InputError("points", expected="a mapping of joints to [x, y] or [x, y, visibility]", got=str(points)[:80])
    person = rules.PersonAnswer.absent()
    for name, given in points.items():
        (joint,) = rules.joint_numbers([str(name)])
        values = list(given) if isinstance(given, list | tuple) else []
        if len(values) not in (2, 3) or not all(isinstance(v, int | float) for v in values):
            expected = "[x, y] in pixels, or [x, y, visibility]"
            raise InputError(f"the place of {COCO_KEYPOINTS[joint]}", expected=expected, got=str(given)[:80])
        person = rules.fix(person, joint, (float(values[0]), float(values[1])), size)
        if len(values) == 3:
            person = rules.see(person, [joint], int(values[2]))
    return person


REGISTERED = (AddPerson,)
