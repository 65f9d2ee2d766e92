"""Operators on the joints of one picture: the next one, accept, reject, fix, hidden or visible, and finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fiftyone.operators import types

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, VISIBLE

from . import joints as rules
from .answer_file import write_answer_file
from .commands import ensure_record
from .fields import GUESSES, current_answer, declare, guess_of, person_of, show, size_of
from .journal import write_answer
from .picks import next_waiting, queue
from .place import ProjectPlace
from .said import PoseOperator, Result, ask_joints, ask_picture, place, sample_of, to_label

Change = Callable[[rules.PersonAnswer, Any, int], rules.PersonAnswer]
KEEP = "as it stands"


def changed(ctx: Any, change: Change, what: str) -> Result:
    """Change one person's answer: on disk first, then in the database."""
    where, sample = place(ctx), sample_of(ctx)
    answer = current_answer(sample, where)
    given = ctx.params.get("person")
    number = person_of(sample, ctx.selected_labels or [], None if given is None else int(given))
    answer = answer.with_person(number, change(answer.person(number), sample, number))
    save(ctx, where, sample, answer)
    still = f"{answer.open} joints of the picture are open" if answer.open else "every joint is decided"
    return {"message": f"person {number}: {what}; {still}", "sha256": answer.sha256, "open": answer.open}


def save(ctx: Any, where: ProjectPlace, sample: Any, answer: rules.JointAnswers) -> None:
    """The answer on disk first, then in the database, then in the App."""
    write_answer(where.answers, answer)
    declare(ctx.dataset)
    show(sample, answer)
    if ctx.executor is not None:
        ctx.ops.reload_samples()


def named(ctx: Any) -> list[int]:
    """The joints that are meant."""
    given = ctx.params.get("joints") or []
    return rules.joint_numbers([given] if isinstance(given, str) else list(given))


def in_words(numbers: list[int]) -> str:
    """Joints by name."""
    if len(numbers) == len(COCO_KEYPOINTS):
        return "all joints"
    return ", ".join(COCO_KEYPOINTS[row].replace("_", " ") for row in numbers)


class NextToLabel(PoseOperator):
    """Opens the most wanted pick that nobody has finished."""

    label, icon = "Next to label", "skip_next"
    description = "Open the most wanted pick that nobody has finished, and say why it was picked"

    def work(self, ctx: Any) -> Result:
        """Finds it by the answers on disk."""
        listed = queue(ctx)
        total, left = len(listed), sum(not each["finished"] for each in listed)
        if not left:
            return {"message": f"all {total} picks are finished: bring_back makes labels of them", "left": 0}
        row, words = next_waiting(listed)
        if row is None:
            raise InputError(words)
        sample = ctx.dataset[row["id"]]
        answer = current_answer(sample, place(ctx))
        declare(ctx.dataset)
        show(sample, answer)
        if ctx.executor is not None:
            ctx.ops.set_view(view=to_label(ctx.dataset))
            ctx.ops.open_sample(id=str(sample.id))
        message = f"pick {row['rank'] + 1} of {total}, {total - left} finished: {row['why']}"
        return {
            "message": message, "left": left, "sha256": answer.sha256, "rank": row["rank"], "why": row["why"],
            "image": sample.filepath, "people": len(answer.people), "open": answer.open,
        }  # fmt: skip


class AcceptJoints(PoseOperator):
    """The joints are right."""

    label, icon = "Accept joints", "check"
    description = "The joints are right where they stand, or where the teacher or the student has them"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Which, and whose."""
        ask_joints(form, one=False)
        form.enum("source", [KEEP, *GUESSES], default=KEEP, label="Where", view=types.RadioGroup())
        ask_picture(form, person=True)

    def work(self, ctx: Any) -> Result:
        """Accepts."""
        numbers, source = named(ctx), ctx.params.get("source") or KEEP

        def change(person: rules.PersonAnswer, sample: Any, number: int) -> rules.PersonAnswer:
            return rules.accept(person, numbers, None if source == KEEP else _guess(sample, source, number))

        return changed(ctx, change, f"{in_words(numbers)} accepted")


class RejectJoints(PoseOperator):
    """The joints are not labelled."""

    label, icon = "Reject joints", "close"
    description = "The joints cannot be placed and are not labelled; all of a person: nobody is there"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Which."""
        ask_joints(form, one=False)
        ask_picture(form, person=True)

    def work(self, ctx: Any) -> Result:
        """Rejects."""
        numbers = named(ctx)
        return changed(ctx, lambda person, _s, _n: rules.reject(person, numbers), f"{in_words(numbers)} rejected")


class FixJoint(PoseOperator):
    """The joint lies elsewhere."""

    label, icon = "Fix a joint", "edit_location"
    description = "Move a joint to x and y in pixels of the picture, or to where the teacher or the student has it"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Which, and where to."""
        ask_joints(form, one=True)
        form.float("x", label="x (px)")
        form.float("y", label="y (px)")
        form.enum("source", list(GUESSES), label="or where this network has it", view=types.RadioGroup())
        ask_picture(form, person=True)

    def work(self, ctx: Any) -> Result:
        """Moves it."""
        (joint,) = rules.joint_numbers([str(ctx.params.get("joint"))])
        source, x, y = (ctx.params.get(name) for name in ("source", "x", "y"))
        if not source and (x is None or y is None):
            raise InputError("where the joint belongs is not given", expected="x and y in pixels, or source")

        was_placed = []

        def change(person: rules.PersonAnswer, sample: Any, number: int) -> rules.PersonAnswer:
            was_placed.append(bool(person.visibility[joint]))
            size, at = size_of(sample), (x, y)
            if source:
                guess = _guess(sample, source, number)
                if not guess.visibility[joint]:
                    raise InputError(f"the {source} does not place {COCO_KEYPOINTS[joint]}", fix="give x and y")
                at = tuple(guess.points_px[joint].tolist())
            return rules.fix(person, joint, at, size)

        result = changed(ctx, change, f"{in_words([joint])} moved")
        return {**result, "was_placed": was_placed[0]}


class SetVisibility(PoseOperator):
    """The joints are hidden, or visible."""

    label, icon = "Hidden or visible", "visibility"
    description = "Say that placed joints are hidden (1) or visible (2)"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Which, and what."""
        ask_joints(form, one=False)
        choices = types.RadioGroup()
        choices.add_choice(OCCLUDED, label="hidden")
        choices.add_choice(VISIBLE, label="visible")
        form.enum("visibility", choices.values(), default=OCCLUDED, view=choices, label="They are")
        ask_picture(form, person=True)

    def work(self, ctx: Any) -> Result:
        """Sets the flags."""
        numbers, flag = named(ctx), int(ctx.params.get("visibility", OCCLUDED))
        words = f"{in_words(numbers)} {'hidden' if flag == OCCLUDED else 'visible'}"
        return changed(ctx, lambda person, _s, _n: rules.see(person, numbers, flag), words)


class FinishImage(PoseOperator):
    """Nothing about the picture is open any more."""

    label, icon = "Finish the picture", "done_all"
    description = "The picture is answered by you: writes it to the file that label-import takes"

    def inputs(self, ctx: Any, form: Any) -> None:
        """By whom."""
        form.str("annotator", required=True, label="Your name", description="kept with the labels")
        form.bool("accept_rest", default=False, label="Accept every joint that is still open")
        ask_picture(form, person=False)

    def work(self, ctx: Any) -> Result:
        """Finishes it: the record of what went out first, since a picture that is gone must change nothing."""
        annotator = str(ctx.params.get("annotator") or "").strip()
        if not annotator:
            raise InputError("annotator is missing", expected="the name of who labelled")
        where, sample = place(ctx), sample_of(ctx)
        answer = current_answer(sample, where)
        if ctx.params.get("accept_rest"):
            answer = replace(answer, people=tuple(_rest_accepted(person) for person in answer.people))
        if answer.open:
            fix = "accept, fix or reject them, or set accept_rest"
            raise InputError(f"{answer.open} joints of the picture are open", fix=fix)
        ensure_record(where)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        answer = replace(answer, finished_by=annotator, finished_at=at)
        write_answer(where.answers, answer)
        path, count = write_answer_file(where.answers)
        declare(ctx.dataset)
        show(sample, answer)
        if ctx.executor is not None:
            ctx.ops.reload_samples()
        message = f"finished by {annotator}; {count} finished so far, in {where.short(path)}"
        return {"message": message, "file": str(path), "finished": count, "sha256": answer.sha256}


def _rest_accepted(person: rules.PersonAnswer) -> rules.PersonAnswer:
    return rules.accept(person, [row for row, each in enumerate(person.decision) if each == rules.OPEN])


def _guess(sample: Any, source: str, number: int) -> rules.PersonAnswer:
    people = guess_of(sample, source)
    if number >= len(people):
        raise InputError(f"the {source} has no person {number}", expected=f"0 to {len(people) - 1}")
    return people[number]


REGISTERED = (NextToLabel, AcceptJoints, RejectJoints, FixJoint, SetVisibility, FinishImage)
