"""What a pretext fit leaves: a checkpoint that fits start from, with where it comes from, and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dataengine.files import fresh_folder, write_json
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint

from ..fit.state import remove_state
from .films import FollowedFilm
from .fitting import Pretrained
from .inputs import METRICS_NAME
from .measuring import TaskAccuracy
from .params import SECTION, PretrainParams


def film_facts(groups: Sequence[Sequence[FollowedFilm]]) -> list[dict[str, Any]]:
    """What was used of each film; films of one number were in step."""
    return [
        {
            "film": film.path.name,
            "sha256": film.sha256,
            "group": number,
            "frames": [int(film.frame.min()), int(film.frame.max())],
            "crops": len(film),
            "frames_held_out": film.held_frames,
        }
        for number, films in enumerate(groups)
        for film in films
    ]


def write_pretrained(
    out: Path,
    report: Path,
    params: PretrainParams,
    meta: ModelMeta,
    fitted: Pretrained,
    films: Sequence[Mapping[str, Any]],
    accuracies: Mapping[str, TaskAccuracy],
) -> dict[str, Any]:
    """Write the checkpoint folder `out` and `report`/metrics.json, which is returned; the fit's state is removed.

    Which pictures were learnt from is not written: frames of films are not files that could be compared with those of a
    test set. So it is not known of the fits that start from here, either; their film and its frames are in the lineage.
    """
    tasks = {name: {**asdict(each), "needed": each.needed, "learnt": each.learnt} for name, each in accuracies.items()}
    lineage = {
        "stage": SECTION,
        "params": asdict(params),
        "precision": fitted.precision,
        "data_sha256": fitted.fingerprint,
        "films": list(films),
        "tasks": tasks,
    }
    metrics = {"tasks": tasks, "films": list(films), "epochs": fitted.history}
    with fresh_folder(report) as report_folder, fresh_folder(out) as folder:
        save_checkpoint(folder, fitted.model.net, replace(meta, lineage=lineage))
        write_json(report_folder / METRICS_NAME, metrics)
    remove_state(out)
    return metrics
