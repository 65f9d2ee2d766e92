"""What every operator does: one result with one line, whatever happens; and how it finds what is meant.

`PoseOperator.work` returns its figures with a `message`. A fault that a user can cause becomes the same kind of result
with `ok` false: the App shows the line, a script or an agent reads it. Anything else is a bug and stays an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from fiftyone import operators as foo
from fiftyone.operators import types
from pymongo.errors import PyMongoError

from dataengine.errors import DataEngineError, InputError
from dataengine.keypoints import COCO_KEYPOINTS

from ..database import fault_line
from ..fiftyone_view import TO_LABEL
from .place import ProjectPlace, place_of

Result = dict[str, Any]


def said(ctx: Any, work: Callable[[Any], Result]) -> Result:
    """Do the work; the line goes to the App as a notification and into the result."""
    try:
        result = {"ok": True, **work(ctx)}
    except (DataEngineError, PyMongoError) as fault:
        result = {"ok": False, "message": one_line(fault)}
    except OSError as fault:
        result = {"ok": False, "message": f"a file cannot be read or written: got {fault}"}
    if ctx.executor is not None:
        ctx.ops.notify(result["message"], variant="success" if result["ok"] else "error")
    return result


def one_line(fault: DataEngineError | PyMongoError) -> str:
    """What went wrong, and how to fix it."""
    if isinstance(fault, DataEngineError):
        return str(fault)
    fix = "open the App again by `dataengine app`; what was decided before is on disk"
    return f"FiftyOne's database failed: got {fault_line(fault)}; {fix}"


def place(ctx: Any) -> ProjectPlace:
    """Where the project lies whose dataset is open."""
    if ctx.dataset is None:
        raise InputError("no dataset is open", fix="open the App by `dataengine app`")
    return place_of(ctx.dataset.info, ctx.dataset.name)


def sample_of(ctx: Any) -> Any:
    """The picture that is meant: parameter `image`, the one that is open in the App, or the one that is selected.

    Raises:
        InputError: none is meant, several are, or the dataset lacks it.
    """
    key = str(ctx.params.get("image") or "").strip()
    if key:
        from fiftyone import ViewField

        found = ctx.dataset.match(ViewField("sha256").starts_with(key)).limit(2).values("id")
        if len(found) != 1:
            raise InputError(
                f"image {key!r}", expected="the sha256 of one picture, or its beginning", got=_several(found)
            )
        return ctx.dataset[found[0]]
    marked = [ctx.current_sample] if ctx.current_sample else list(ctx.selected or [])
    if len(marked) != 1:
        fix = "open one, select one, or give image"
        raise InputError("it is not clear which picture is meant", got=_several(marked), fix=fix)
    return ctx.dataset[str(marked[0])]


def to_label(dataset: Any) -> Any:
    """The view of the picks, most wanted first."""
    return dataset.match_tags(TO_LABEL).sort_by("rank")


def _several(found: list[Any]) -> str:
    return f"{len(found)} pictures" if found else "none"


class PoseOperator(foo.Operator):
    """An operator of one function and one line."""

    label: ClassVar[str] = ""
    description: ClassVar[str] = ""
    icon: ClassVar[str] = "accessibility_new"
    shown: ClassVar[Mapping[str, type]] = {}
    """Figures of the result besides its message that the App shows: name -> type."""

    @classmethod
    def called(cls) -> str:
        """The operator's name: the class's in small letters."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")

    @property
    def config(self) -> Any:
        """What FiftyOne lists."""
        return foo.OperatorConfig(
            name=self.called(), label=f"Pose: {self.label}", description=self.description, icon=self.icon,
            view_target=False,
        )  # fmt: skip

    def inputs(self, ctx: Any, form: Any) -> None:
        """Add the parameters to the form; none by default."""

    def work(self, ctx: Any) -> Result:
        """Do it; returns `message` and figures."""
        raise NotImplementedError

    def resolve_input(self, ctx: Any) -> Any:
        """The form, which is asked for without any parameter, too."""
        form = types.Object()
        try:
            self.inputs(ctx, form)
        except (DataEngineError, PyMongoError) as fault:  # the same that stops the work: FiftyOne shows it in the form
            form = types.Object()
            form.view("fault", types.Error(label=one_line(fault)))
        return types.Property(form, view=types.View(label=self.label)) if form.properties else None

    def execute(self, ctx: Any) -> Result:
        """One result with one line."""
        return said(ctx, self.work)

    def resolve_output(self, ctx: Any) -> Any:
        """The line."""
        form = types.Object()
        form.str("message", label=self.label)
        return types.Property(form)


def ask_picture(form: Any, *, person: bool) -> None:
    """Which picture, and whom."""
    form.str("image", label="Image", description="sha256 or its beginning; empty: the one open or selected")
    if person:
        form.int("person", min=0, label="Person", description="0 is the first; empty: the selected label's")


def ask_joints(form: Any, *, one: bool) -> None:
    """Which joints."""
    choices = types.DropdownView(multiple=not one)
    for name in COCO_KEYPOINTS:
        choices.add_choice(name, label=name.replace("_", " "))
    if one:
        form.enum("joint", choices.values(), view=choices, required=True, label="Joint")
    else:
        form.list("joints", types.String(), view=choices, label="Joints", description="none: all of the person")
