"""Command `fit-tracker`: learn who is who from poses, on films whose people are known."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.errors import ParamsError
from dataengine.files import sha256_file
from dataengine.inference.network_files import MODELS
from dataengine.terminal.folders import folder_option, out_file_option
from dataengine.terminal.options import seed_option
from dataengine.terminal.speech import answer, say


def command(
    clips: Annotated[Path, typer.Option(help="COCO JSON of films with track ids: people.json of render-clips.")],
    out: Annotated[Path, out_file_option(help="File to write: the weights as YAML.")],
    fetched: Annotated[Path, folder_option(help="Folder that the stage fetch wrote, with BlazePose's models.")] = Path(
        "data/fetch"
    ),
    first: Annotated[int, typer.Option(help="Learn from the first n films by name; 0: from all.")] = 0,
    seed: Annotated[int, seed_option(help="Seed of what is left out of tracks, and of strangers.")] = 0,
) -> None:
    """Learn association on keypoints from films with track ids, in a minute or two.

    BlazePose labels the people in their boxes, so that its errors are learned, too. Pairs of a track and a pose some
    frames later teach a logistic regression how likely both are one person; from which odds on they may be one is
    chosen by following the same films. `compare-trackers` measures what it is worth; leave films out of the fit for it.

    Example: dataengine fit-tracker --clips data/clips/people.json --first 10 --out models/tracker.yaml
    """
    run(clips, out, fetched=fetched, first=first, seed=seed)


def run(clips: Path, out: Path, *, fetched: Path = Path("data/fetch"), first: int = 0, seed: int = 0) -> dict[str, Any]:
    """Write the weights to `out`; how many films, pairs and how much is right on them is returned.

    Raises:
        InputError: `clips` has no films with identities, or BlazePose's models are missing.
        ParamsError: `first` is negative.
    """
    from .association import fit_association, write_association
    from .labelled_films import found_in_labelled_boxes, read_films, sightings_of
    from .pairs import IdentifiedFilm, drawn_pairs
    from .threshold import with_best_threshold

    if first < 0:
        raise ParamsError("--first does not fit", expected="0 or more", got=str(first))
    films = read_films(clips)[: first or None]
    identified = []
    for film in films:
        found = found_in_labelled_boxes(film, fetched / MODELS, missing=0.0, seed=seed)
        frames = list(sightings_of(film, found))
        identified.append(IdentifiedFilm([each[0] for each in frames], [found.track_id[each[2]] for each in frames]))
    pairs = drawn_pairs(identified, seed)
    association = fit_association(pairs.signs, pairs.same, pairs.weight)
    association = with_best_threshold(association, identified, seed)
    right = (association.log_odds(pairs.signs) > 0) == pairs.same
    facts = {
        "films": len(films),
        "pairs": len(pairs.same),
        "same": int(pairs.same.sum()),
        "right": round(float(np.average(right, weights=pairs.weight)), 4),
    }
    lineage = {"command": "fit-tracker", "clips_sha256": sha256_file(clips), "first": first, "seed": seed, **facts}
    write_association(out, association, lineage)
    say(f"fit-tracker: {facts['pairs']} pairs of {facts['films']} films, {facts['right']:.1%} right after the fit")
    answer(f"{out}")
    return facts
