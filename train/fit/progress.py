"""What can be looked at while a fit runs: the curves so far, and a picture of the validation people after every epoch.

They lie in ``<report>.live`` until the report is written, because the report itself is whole or absent; the pictures
then become plots of it, one a step, as DVCLive names them. A fit that is resumed keeps the pictures of its epochs.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataengine.files import fresh_folder
from dataengine.inference.running.predict import Prediction

from .consistency.plot import write_watch_picture
from .data import ValidationSet
from .report import write_curves, write_picture

PICTURES = Path("plots/images/predictions")  # in a report
_CURVES = "curves"


class Progress:
    """Shows the progress of the fit that will write the folder `report`."""

    def __init__(self, report: Path) -> None:
        self.folder = report.with_name(report.name + ".live")

    def restart(self) -> None:
        """Forget what an earlier fit left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def show_people(self, epoch: int, validation: ValidationSet, prediction: Prediction) -> None:
        """Write the picture of `epoch`, counted from 0."""
        path = self.folder / PICTURES / f"{epoch}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, validation, prediction)

    def show_curves(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write the curves of all epochs so far."""
        with fresh_folder(self.folder / _CURVES) as folder:
            write_curves(folder, history, history[-1])
            write_watch_picture(folder, history)

    def finish(self, report: Path) -> None:
        """Copy the pictures into the folder `report`."""
        if (self.folder / PICTURES).is_dir():
            shutil.copytree(self.folder / PICTURES, report / PICTURES)
