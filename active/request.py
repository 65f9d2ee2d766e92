"""Ask the next round for what this one failed on: poses to render, and pictures to have labelled.

`run` first notes what the requests brought that this round served, then collects the needs of every source
(`asking/gate.py`, `clusters.py`, `shadow.py`, `by_hand.py`), shares the budget among them (`asking/budget.py`), finds
example poses (`asking/shown_people.py`) and writes a request for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import read_json
from dataengine.params import load_key, load_section
from dataengine.people import Images, People
from dataengine.poses.embedding import embed_poses
from dataengine.poses.training_poses import TrainingPoses, read_training_poses
from dataengine.requests.folder import add_requests, read_requests
from dataengine.requests.pinned import RequestsParams, load_requests_params, serve
from dataengine.requests.record import AskedFor, PoseRequest, RequestState, read_request
from dataengine.rounds.answered import read_answers
from dataengine.rounds.asked import read_rounds
from dataengine.rounds.places import ProjectPlaces, read_places
from dataengine.terminal.folders import folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say

from .asking.brought import brought_by
from .asking.budget import Granted, grant
from .asking.by_hand import needs_by_hand, shows_test_person
from .asking.clusters import needs_of_selection
from .asking.gate import needs_of_gate
from .asking.need import Need
from .asking.parts import CLUSTER, kind_of, people_of_part
from .asking.request_params import RequestParams
from .asking.shadow import needs_of_shadow, read_doubted_people
from .asking.shown_people import ShownPeople, examples_among, read_shown_people, refuse_test, take_examples
from .asking.verdict_figures import VerdictFigures, read_verdict_figures

SECTION = "request"
REQUESTED, OUTCOMES = "requested", "requests.json"  # of the stage render


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundResults:
    """What a round left, as far as requests need it."""

    number: int
    verdict: VerdictFigures | None
    known: ShownPeople
    poses: TrainingPoses | None
    held_out: Path | None
    test: People | None


def command(
    shadow: Annotated[
        Path | None, folder_option(help="Folder of `dataengine serve --shadow`, instead of request.shadow.")
    ] = None,
    pipeline: Annotated[Path, typer.Option(help="The pipeline, which says where the files lie.")] = Path("dvc.yaml"),
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write the requests of the next round: what is rare and wrong, with example poses, renders and labels.

    Reads what the last `dvc repro` left: the verdict's AP by slice, the selection's people with the student's answers,
    and, where given, disagreements of shadow serving and poses that a person chose in the App (request.by_hand). Writes
    one file for each request into requests.folder, and notes in those that this round served what they brought. Commit
    them: `dataengine begin-round` opens them for the next round, whose render and select follow them.

    request.renders and request.labels are the budget of a round, request.most the number of requests. Slices of the
    test set are named, never shown: example poses are of people in training and the pool, of validation where these
    are too few, and a picture or pose of the test set is refused.

    Example: dataengine request
    """
    run(
        load_section(params, SECTION, RequestParams),
        load_requests_params(params),
        places=read_places(pipeline),
        shadow=shadow,
        round_now=load_key(params, "compare", "round", int),
        protocol=load_protocol(params),
    )


def run(
    params: RequestParams,
    requests: RequestsParams,
    *,
    places: ProjectPlaces,
    round_now: int,
    protocol: OksProtocol,
    shadow: Path | None = None,
) -> list[PoseRequest]:
    """Note what was brought, ask, and return the requests that wait for the next round.

    Raises:
        InputError: a file is missing or damaged, or an example is a picture or person of the test set.
    """
    folder = Path(requests.folder)
    results = _results(places, round_now, protocol)
    _note_brought(requests, places, results)
    earlier = [request for request in read_requests(folder) if request.asked.round < results.number]
    needs = [*_needs(params, results, shadow or (Path(params.shadow) if params.shadow else None), earlier)]
    made = [request for each in grant(needs, earlier, params) if (request := _request(each, results, params))]
    _withdraw_others(folder, results.number, {request.id for request in made})
    add_requests(folder, made)
    for request in made:
        asked = request.asked
        answer(f"request {request.id}: {asked.renders} renders, {asked.labels} labels; {asked.reason}")
    if not made:
        answer("request: nothing is both rare and wrong enough to ask for")
    return made


def _results(places: ProjectPlaces, round_now: int, protocol: OksProtocol) -> RoundResults:
    compare, balance = places.of("compare", "--out"), places.of("balance", "--out")
    verdict_file = None if compare is None else compare / "verdict.json"
    verdict = read_verdict_figures(verdict_file) if verdict_file is not None and verdict_file.exists() else None
    test = places.of("compare", "--test")
    poses = read_training_poses(balance) if balance is not None and balance.exists() else None
    if verdict is not None and poses is not None and verdict.clusters_id not in ("", poses.clusters.id):
        got = f"{verdict.clusters_id} and {poses.clusters.id}"
        raise InputError("verdict and balance count other pose clusters", got=got, fix="run `dvc repro`")
    return RoundResults(
        number=round_now if verdict is None else verdict.round,
        verdict=verdict,
        known=read_shown_people(places.needed("select", "--out"), protocol),
        poses=poses,
        held_out=places.of("select", "--held-out"),
        test=read_project_people(test)[0] if test is not None and test.exists() else None,
    )


def _needs(
    params: RequestParams, results: RoundResults, shadow: Path | None, earlier: Sequence[PoseRequest]
) -> Iterator[Need]:
    if results.verdict is not None:
        yield from needs_of_gate(results.verdict, results.known, results.poses, params)
    yield from needs_of_selection(results.known, results.poses, params)
    if shadow is not None:
        yield from needs_of_shadow(read_doubted_people(shadow), results.poses, params)
    answered = {each.asked.evidence.get("file") for each in earlier if each.asked.asked_by == "person"}
    for need in needs_by_hand(Path(params.by_hand)) if params.by_hand else ():
        if need.evidence["file"] not in answered:
            yield need


def _request(granted: Granted, results: RoundResults, params: RequestParams) -> PoseRequest | None:
    """The request, with its example poses; None where there is neither a pose to render nor a picture to label."""
    need = granted.need
    people, images = need.examples if need.examples is not None else _examples(need, results, params)
    _refuse_test_people(need, people, results)
    renders = granted.renders if len(people) else 0
    if not renders and not granted.labels:
        say(f"request: {need.part or need.reason} gets nothing: nobody but the test set shows it")
        return None
    by_cluster = kind_of(need.part) == CLUSTER and results.poses is not None
    asked = AskedFor(
        round=results.number,
        asked_by=need.asked_by,
        reason=need.reason,
        part=need.part,
        clusters_id=results.poses.clusters.id if by_cluster and results.poses is not None else "",
        renders=renders,
        labels=granted.labels,
        evidence={**_figures_of(need.part, results.verdict), **need.evidence},
    )
    return PoseRequest(asked=asked, people=people, images=images)


def _examples(need: Need, results: RoundResults, params: RequestParams) -> tuple[People, Images]:
    known = results.known
    of_part = people_of_part(need.part, known.people, known.images, results.poses)
    embeddings, _ = embed_poses(known.people.keypoints_px, known.people.visibility)
    return take_examples(known, examples_among(known, of_part, params.examples, embeddings))


def _refuse_test_people(need: Need, people: People, results: RoundResults) -> None:
    what = f"the request of {need.asked_by} ({need.evidence.get('file', need.part)})"
    refuse_test(results.held_out, [sha for sha in people.extras["sha256"].astype(str).tolist() if sha], what)
    if results.test is not None and shows_test_person(people, results.test):
        raise InputError(f"{what} shows a person of the test set", fix="take poses of other people")


def _figures_of(part: str, verdict: VerdictFigures | None) -> dict[str, Any]:
    """AP in the slice, to compare with later, whoever asks."""
    figures = None if verdict is None else verdict.slices.get(part)
    if verdict is None or figures is None:
        return {}
    ap = figures.ap
    return {
        "AP": ap.value,
        "low": ap.low,
        "high": ap.high,
        "candidate": verdict.candidate,
        "test_sha256": verdict.test_sha256,
    }


def _note_brought(requests: RequestsParams, places: ProjectPlaces, results: RoundResults) -> None:
    """What came of the requests that this round, or one before, served."""
    out = places.of("render", "--out")
    outcomes = None if out is None else out / REQUESTED / OUTCOMES
    rendered: Mapping[str, Any] = read_json(outcomes) if outcomes is not None and outcomes.exists() else {}
    rounds = read_rounds(places.needed("select", "--rounds"))
    answers = read_answers(places.needed("select", "--labels"))
    for name in dict.fromkeys([*requests.open, *requests.kept]):
        request = read_request(Path(name))
        if request.state.now == "withdrawn":
            continue
        brought = brought_by(request, results.verdict, rendered, rounds, answers)
        served_in = results.number if name in requests.open else request.state.served_in
        serve(requests, request, RequestState(now="served", served_in=served_in, brought=brought))


def _withdraw_others(folder: Path, number: int, ids: set[str]) -> None:
    """Remove what an earlier call asked for after the same round, and this one does not: results have changed."""
    for request in read_requests(folder):
        if request.asked.round == number and request.state.now == "waiting" and request.id not in ids:
            (folder / request.name).unlink()
