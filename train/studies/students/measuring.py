"""What a fitted network is worth on labelled people."""

from __future__ import annotations

from pathlib import Path

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.figures import Figures, figures_of

from .sets import Labelled


def network_figures(network: Path, labelled: Labelled, protocol: OksProtocol, description: str) -> Figures:
    """Figures of a checkpoint folder, in the labelled boxes."""
    from dataengine.inference.running.predict import load_runner, predict_people

    people, images = labelled
    found = predict_people(*load_runner(network), people, images, description=description)
    return figures_of(people, images, found.as_people(people), protocol)
