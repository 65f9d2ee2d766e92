"""Compare a candidate with the pinned champion on the frozen test set: a verdict, its figures, and a report.

`run` scores both on the same people (`_scored`), draws paired bootstrap intervals and asks `verdict.judge`.
The champion is the registry entry that `compare.champion` names, never simply the present one: so promoting changes
nothing that this stage depends on.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.bootstrap import Interval, clusters_of, interval_of, paired_intervals
from dataengine.evaluation.matching import Matches, matched
from dataengine.evaluation.oks import coco_ap
from dataengine.evaluation.pck import pck
from dataengine.exported import ENGINE, ONNX_FP16, ExportedModel, load_exported
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.predict import Prediction, Runner, onnx_runner, predict_people
from dataengine.registry import read_registry

from .report_html import write_report
from .tensorrt_engine import engine_runner, gpu_present
from .verdict import VERDICT_FILE, CompareParams, Verdict, judge

METRICS, REPORT = "metrics.json", "report.html"


@dataclass(frozen=True, eq=False)
class Scored:
    """One model on the test set."""

    model: ExportedModel
    prediction: Prediction
    figures: Mapping[str, float]
    matches: Matches


def command(
    candidate: Annotated[Path, typer.Option(help="Folder that `dataengine export` wrote.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of the frozen test set.")],
    registry: Annotated[Path, typer.Option(help="The registry file.")],
    store: Annotated[Path, typer.Option(help="Folder with the artefacts of promoted models.")],
    out: Annotated[Path, typer.Option(help="Folder for verdict.json, metrics.json and report.html.")],
    params: Annotated[Path, typer.Option(help="File with section `compare`.")] = Path("params.yaml"),
) -> None:
    """Decide whether the candidate is better than the champion, and show why.

    Both exported models find the joints of the test set's people in their labelled boxes; OKS AP is pycocotools'.
    The interval of the difference is a paired bootstrap over clusters of images. A first model must clear
    compare.floor_ap, a later one gain more than compare.min_gain, each by the lower bound of the interval. The
    champion is the one that compare.champion pins; `dataengine begin-round` changes it.

    Example: dataengine compare --candidate models/export --test data/ingest/test.json
    --registry train/registry.json --store models/registry --out reports/compare
    """
    run(load_section(params, "compare", CompareParams), candidate, test, registry, store, out)


def run(params: CompareParams, candidate: Path, test: Path, registry: Path, store: Path, out: Path) -> None:
    """Write verdict.json, metrics.json and report.html to `out`."""
    people, images = read_people(test, root=Path.cwd())
    new = load_exported(candidate)
    old = pinned_champion(params.champion, registry, store) if params.champion else None
    runner_name = _runner_name(params, [new] if old is None else [new, old])
    first = _scored(new, people, images, runner_name, params.threads, "candidate")
    second = None if old is None else _scored(old, people, images, runner_name, params.threads, "champion")
    clusters = clusters_of(images, params.cluster, params.block_frames)
    ap, champion_ap, gain = _intervals(params, first, second, clusters[images.rows_of(first.matches.image_id)])
    peopled = len(np.unique(clusters[images.rows_of(people.image_id)]))
    verdict = judge(params, ap, gain, peopled)
    with fresh_folder(out) as folder:
        record = {
            "verdict": verdict.decision,
            "reason": verdict.reason,
            "candidate": new.id,
            "champion": params.champion,
            "AP": asdict(ap),
            "champion_AP": None if champion_ap is None else asdict(champion_ap),
            "gain": None if gain is None else asdict(gain),
            "run_by": runner_name,
            "test": {
                "sha256": set_sha256(test, images),
                "people": len(people),
                "images": len(images),
                "clusters": peopled,
            },
            "policy": asdict(params),
        }
        write_json(folder / VERDICT_FILE, record)
        write_json(folder / METRICS, _metrics(verdict, first, second, gain))
        write_report(
            folder / REPORT,
            record,
            people,
            images,
            {"candidate": first.prediction} | ({} if second is None else {"champion": second.prediction}),
            {"candidate": first.figures} | ({} if second is None else {"champion": second.figures}),
        )
    print(f"{verdict.decision}: {verdict.reason}")


def pinned_champion(entry_id: str, registry: Path, store: Path) -> ExportedModel:
    """The artefacts of registry entry `entry_id`, checked against the registry's checksums too."""
    entry = read_registry(registry).entry(entry_id)
    model = load_exported(store / entry.id)
    if model.sha256 != entry.files:
        raise InputError(
            f"{store / entry.id} is not what the registry promoted",
            expected="the checksums of the registry",
            got="others",
            mend="`dvc pull` the store, or restore it from a backup",
        )
    return model


def set_sha256(path: Path, images: Images) -> str:
    """Hash of a labelled set: the labels' file and every picture."""
    parts = [sha256_file(path), *sorted(sha256_file(Path(str(image))) for image in images.path)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _runner_name(params: CompareParams, models: list[ExportedModel]) -> str:
    """The file that runs: both models the same way, or the difference is one of runtimes."""
    engines = all(ENGINE in model.sha256 for model in models)
    wanted = params.runner == "engine" or (params.runner == "auto" and gpu_present())
    if wanted and not engines and params.runner == "engine":
        raise InputError("a model has no engine", mend="export with export.engine, or set compare.runner to onnx")
    return ENGINE if wanted and engines else ONNX_FP16


def _scored(model: ExportedModel, people: People, images: Images, name: str, threads: int, who: str) -> Scored:
    path = model.folder / name
    runner: Runner = engine_runner(path) if name == ENGINE else onnx_runner(path, threads)
    prediction = predict_people(runner, model.meta, people, images, description=who)
    found = prediction.as_people(people)
    figures = coco_ap(people, images, found) | {"PCK@0.2": pck(people, prediction.keypoints_px)}
    return Scored(model, prediction, figures, matched(people, images, found))


def _intervals(
    params: CompareParams, first: Scored, second: Scored | None, clusters: NDArray[np.int64]
) -> tuple[Interval, Interval | None, Interval | None]:
    """AP of the candidate, of the champion, and the gain. `clusters` follows `first.matches.image_id`."""
    rng = np.random.default_rng(params.seed)
    if second is None:
        one = interval_of(first.matches, clusters, resamples=params.resamples, level=params.level, rng=rng)
        return one, None, None
    both = paired_intervals(
        first.matches, second.matches, clusters, resamples=params.resamples, level=params.level, rng=rng
    )
    return both.first, both.second, both.difference


def _metrics(verdict: Verdict, first: Scored, second: Scored | None, gain: Interval | None) -> dict[str, Any]:
    metrics: dict[str, Any] = {"promote": int(verdict.decision == "promote"), "candidate": dict(first.figures)}
    if second is not None and gain is not None:
        metrics |= {"champion": dict(second.figures), "gain": asdict(gain)}
    return metrics
