"""Operators that write files: the answers, what goes to an annotation tool, what comes back, and orders for renders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fiftyone.operators import types

from dataengine.errors import InputError
from dataengine.files import write_json

from ..fiftyone_view import TO_LABEL
from .answer_file import record_path, write_answer_file
from .commands import run_command
from .fields import ANSWER, GUESSES, TRUTH, current_answer, guess_of, size_of
from .place import ProjectPlace
from .renders import Wanted, write_request
from .said import PoseOperator, Result, place

TOOLS = ("coco", "cvat", "label-studio")
_SUFFIX = {"cvat": ".xml"}
HELD_OUT = "data/ingest/held_out.json"


class SaveAnswers(PoseOperator):
    """The answers as the file that label-import takes."""

    label, icon = "Save the answers", "save"
    description = "Write every finished picture to the file that label-import takes; finish_image does so each time"

    def work(self, ctx: Any) -> Result:
        """Writes it."""
        where = place(ctx)
        path, count = write_answer_file(where.answers)
        file, record = where.short(path), where.short(record_path(where.answers))
        import_ = f"dataengine label-import --labels {file} --sent {record} --out data/labels"
        return {
            "message": f"{count} finished, in {file}; bring_back, or: {import_}",
            "file": str(path),
            "finished": count,
        }


class SendToAnnotation(PoseOperator):
    """The picks of the view for an annotation tool."""

    label, icon = "Send to annotation", "outbox"
    description = (
        "Write the picks of this view for CVAT, Label Studio or any tool that reads COCO, as label-export does"
    )

    def inputs(self, ctx: Any, form: Any) -> None:
        """For which tool, and where."""
        form.enum("format", list(TOOLS), default=TOOLS[0], label="Tool", view=types.RadioGroup())
        form.int(
            "gold", min=0, default=0, label="Gold frames", description="labelled ones mixed in, to check people by"
        )
        form.str("out", label="File", description="in the project; empty: data/to_annotate/N.json")

    def work(self, ctx: Any) -> Result:
        """Runs the command; a file that is there is never written over."""
        where = place(ctx)
        keys = sorted(set(ctx.view.match_tags(TO_LABEL).values("sha256")))
        if not keys:
            raise InputError("the view shows no picks", fix="open the saved view to_label")
        tool = str(ctx.params.get("format") or TOOLS[0])
        if tool not in TOOLS:
            raise InputError(f"unknown tool {tool!r}", expected=" | ".join(TOOLS))
        out = _out(where, str(ctx.params.get("out") or ""), _SUFFIX.get(tool, ".json"))
        only = out.with_name(f"{out.stem}.only.json")
        gold = str(int(ctx.params.get("gold") or 0))
        try:
            write_json(only, keys)
            arguments = ["label-export", "--selection", where.short(where.selection), "--out", where.short(out)]
            arguments += ["--format", tool, "--gold", gold, "--only", where.short(only)]
            said = run_command(where.project, arguments)
        finally:
            only.unlink(missing_ok=True)
        return {"message": said[0], "lines": said, "file": str(out), "pictures": len(keys)}


class BringBack(PoseOperator):
    """What people labelled becomes labels."""

    label, icon = "Bring back", "move_to_inbox"
    description = "Check what people labelled, here or in a tool, and add it to the label store, as label-import does"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Which file, and whose."""
        form.str("labels", label="File", description="of the tool; empty: the answers given in the App")
        form.str("sent", label="Record", description="*.sent.json; empty: the one next to the file")
        form.str("annotator", label="Annotator", description="who labelled what the file gives no name for")
        form.str("out", default="data/labels", label="Label store")

    def work(self, ctx: Any) -> Result:
        """Runs the command."""
        where = place(ctx)
        given = str(ctx.params.get("labels") or "").strip()
        labels = where.project / given if given else write_answer_file(where.answers)[0]
        sent = str(ctx.params.get("sent") or "").strip()
        arguments = [
            "label-import",
            "--labels",
            where.short(labels),
            "--out",
            str(ctx.params.get("out") or "data/labels"),
        ]
        if sent or not given:
            arguments += ["--sent", sent or where.short(record_path(where.answers))]
        annotator = str(ctx.params.get("annotator") or "").strip()
        arguments += ["--annotator", annotator] if annotator else []
        arguments += ["--held-out", HELD_OUT] if (where.project / HELD_OUT).is_file() else []
        said = run_command(where.project, arguments)
        told = [line for line in said if "; to learn from it" in line]
        return {"message": (told or said)[-1], "lines": said}


class RequestRenders(PoseOperator):
    """More people in these poses."""

    label, icon = "Request renders like these", "view_in_ar"
    description = "Write the poses of the selected pictures, or of the view, for `dataengine render --like`"

    def inputs(self, ctx: Any, form: Any) -> None:
        """Whose word for the poses counts."""
        sources = [ANSWER, TRUTH, *GUESSES]
        form.enum("source", ["best", *sources], default="best", label="Poses of", view=types.RadioGroup(),
                  description="best: the answer, else ground truth, else the teacher")  # fmt: skip
        form.int("variations", min=1, default=4, label="Images of each person")

    def work(self, ctx: Any) -> Result:
        """Writes the file."""
        where = place(ctx)
        chosen = [str(key) for key in ctx.selected or []] or ([ctx.current_sample] if ctx.current_sample else [])
        samples = ctx.dataset.select(chosen, ordered=True) if chosen else ctx.view
        source = str(ctx.params.get("source") or "best")
        wanted = [
            Wanted(path=Path(sample.filepath), size=size_of(sample), people=_poses(sample, source, where))
            for sample in samples
        ]
        path, count = write_request(where.project, wanted)
        variations = int(ctx.params.get("variations") or 4)
        request = where.short(path)
        command = f"dataengine render --like {request} --out data/{path.stem} --cache data/cache/anny"
        command += f" --variations {variations}"
        message = f"{count} people in {request}; run: {command}"
        return {"message": message, "file": str(path), "people": count, "run": command}


def _poses(sample: Any, source: str, where: ProjectPlace) -> tuple[Any, ...]:
    """The people of a picture as `source` has them; nobody where it says nothing."""
    order = [ANSWER, TRUTH, GUESSES[0]] if source == "best" else [source]
    for name in order:
        if name == ANSWER and TO_LABEL in sample.tags:
            answer = current_answer(sample, where)
            if answer.finished_by or source == ANSWER:
                return answer.people
        elif name != ANSWER and sample.has_field(name) and sample[name] is not None:
            return guess_of(sample, name)
    return ()


def _out(where: ProjectPlace, given: str, suffix: str) -> Path:
    """The file to write, inside of the project and not there yet."""
    if not given:
        folder = where.project / "data/to_annotate"
        number = 1
        while any(folder.glob(f"{number}.*")):
            number += 1
        return folder / f"{number}{suffix}"
    out = Path(where.project, given)
    if not out.resolve().is_relative_to(where.project.resolve()):
        raise InputError(f"{given} leaves the project", expected=f"a path below {where.project}")
    if out.exists():
        raise InputError(f"{given} exists already", fix="give another name")
    return out


REGISTERED = (SaveAnswers, SendToAnnotation, BringBack, RequestRenders)
