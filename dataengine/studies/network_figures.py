"""What a fitted network is worth on labelled people, as studies measure it."""

from pathlib import Path

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.figures import Figures, figures_of
from dataengine.people import Images, People


def network_figures(
    network: Path, people: People, images: Images, protocol: OksProtocol, description: str = "test people"
) -> Figures:
    """Figures of a checkpoint folder on `people`, in their labelled boxes; `description` is what the bar says."""
    from dataengine.inference.running.predict import load_runner, predict_people

    found = predict_people(*load_runner(network), people, images, description=description)
    return figures_of(people, images, found.as_people(people), protocol)
