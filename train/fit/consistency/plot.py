"""The picture of what was watched: five figures of every epoch, and the acceptance of each joint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dataengine.files import atomic_path

from .watch import ACCEPTED, AGREEMENT, FOREGROUND, SPREAD, STUDENT_FOREGROUND

PICTURE = Path("plots/images/consistency.png")  # in a report


def write_watch_picture(report: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write `PICTURE` into the folder `report`; nothing where nothing was watched."""
    if not history or FOREGROUND not in history[-1]:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    epochs = range(1, len(history) + 1)
    for name in (FOREGROUND, STUDENT_FOREGROUND, ACCEPTED, AGREEMENT, SPREAD):
        words = name.removeprefix("unlabelled_").replace("_", " ")
        left.plot(epochs, [epoch[name] for epoch in history], marker=".", label=words)
    for name in sorted(name for name in history[-1] if name.startswith("accepted/")):
        words = name.removeprefix("accepted/").replace("_", " ")
        right.plot(epochs, [epoch.get(name, 0.0) for epoch in history], marker=".", label=words)
    left.set(title="people without labels", xlabel="epoch", ylim=(0, 1))
    right.set(title="accepted, by joint", xlabel="epoch")
    left.legend(fontsize=7)
    right.legend(fontsize=6, ncols=2)
    path = report / PICTURE
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
