"""Three rounds with a pool that changes: labels stay on their pixels, and what is labelled is not labelled again.

The stages are the real ones but for BlazePose, which here finds people by the colour of their dots. Round 1 has film A,
round 2 film B, of the same file name and longer, round 3 both at another size.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.active import label_export, label_import, selection
from dataengine.active.labelling.sent import read_sent, sent_path
from dataengine.active.labelling.untouched import LabelImportParams
from dataengine.active.manifest.files import read_selection
from dataengine.blazepose import Landmarks, Roi, in_images
from dataengine.coco_json import read_project_people, write_people
from dataengine.datasets import balance, ingest, mix
from dataengine.datasets.sources.user_sources import SourceParams
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.label_store import read_store
from dataengine.people import Images, People
from dataengine.train import fit_student, fit_teacher, pseudo_label
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.unlabelled.student_params import FitStudentParams

from ..datasets.ingest_samples import PARAMS as INGEST
from ..helpers.clips import textured, write_clip
from ..helpers.drawn_people import draw_standing_people
from ..helpers.fitting_project import TINY, one_torch_thread
from ..helpers.pose_samples import STANDING
from ..train.pseudo.judged import PARAMS as PSEUDO
from .selecting import PARAMS as SELECT

FILM_PX = (1024, 512)
LARGE, SMALL = 1280, 960
HELD, POOL = Path("data/ingest/held_out.json"), Path("data/ingest/pool.json")
STORE, TOOL, MIX, PSEUDO_OUT, OUT = (
    Path(name) for name in ("data/labels", "tool/round.json", "data/mix", "data/pseudo-label", "data/select")
)
IMPORT = LabelImportParams(moved_px=1.0, max_untouched_share=0.95, untouched="refuse", untouched_weight=0.5)
DOT_BGR = (40, 250, 40)


def figure(frame: int) -> NDArray[np.float64]:
    """Where the person of a film stands in one of its frames, (17, 2) px at full size."""
    return np.asarray(STANDING * 360 + [60 + 70 * (frame % 8), 80], dtype=np.float64)


def film(path: Path, scene: int, frames: int) -> Path:
    """A person of bright dots who walks through a still scene."""
    path.parent.mkdir(parents=True)
    background = (textured(scene, shape=FILM_PX[::-1]) * 0.4).astype(np.uint8)
    pictures = [background.copy() for _ in range(frames)]
    for number, picture in enumerate(pictures):
        for x, y in figure(number).round().astype(int).tolist():
            cv2.circle(picture, (x, y), 12, DOT_BGR, -1)
    return write_clip(path, pictures)


class Told:
    """BlazePose as if it saw the dots: the mask of their colour says where the person is."""

    def __init__(self, model_folder: Path) -> None: ...

    def detect(self, image: NDArray[np.uint8]) -> list[Any]:
        height, width = image.shape[:2]
        return [type("Seen", (), {"roi": Roi(width / 2, height / 2, float(height), 0.0)})]

    def landmarks(self, image: NDArray[np.uint8], roi: Roi) -> Landmarks:
        lit = np.argwhere((image[..., 1] > 180) & (image[..., 0] < 120))
        scale = image.shape[1] / FILM_PX[0]
        left = lit[:, 1].min() if len(lit) else 0
        move = np.array([left / scale - (figure(0)[:, 0].min() - 12), 6])
        points = (figure(0) + move) * scale
        return Landmarks(points.astype(np.float32), np.full(17, 0.9, np.float32), 0.9, roi)


@dataclass
class Project:
    """The working folder from round to round."""

    source: SourceParams
    labels: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)

    def round(self, films: list[Path], longest_side_px: int) -> None:
        """One run of the DAG, as dvc.yaml has it."""
        params = replace(
            INGEST, sources=[self.source], pool_videos=[str(path) for path in films], pool_every=1,
            longest_side_px=longest_side_px,
        )  # fmt: skip
        ingest.run(params, fetched=Path("none"), out=Path("data/ingest"), report=Path("reports/ingest"))
        real, val, balanced = (Path(f"data/{name}") for name in ("ingest/train.json", "ingest/val.json", "balance"))
        grouping = balance.BalanceParams(clusters=2, threshold=0.75, max_repeat=3.0, seed=0)
        balance.run(grouping, train=real, out=balanced, report=Path("reports/balance"))
        self.mix()
        common: dict[str, Any] = {"val": val, "held_out": HELD, "mix": MIX}
        teacher, student = Path("models/teacher"), Path("models/student")
        tiny = replace(TINY, epochs=1, draws_per_epoch=1)
        fit_teacher.run(tiny, **common, out=teacher, report=Path("reports/teacher"))
        pseudo_label.run(
            replace(PSEUDO, fitted_confidence=1.0), pool=POOL, fetched=Path("none"), teacher=teacher, labels=STORE,
            held_out=HELD, out=PSEUDO_OUT, report=Path("reports/pseudo"),
        )  # fmt: skip
        own = {name: getattr(tiny, name) for name in tiny.__dataclass_fields__}
        fit_student.run(
            FitStudentParams(**own, pseudo_per_real=0.5), **common, pseudo=PSEUDO_OUT / "people.json", out=student,
            report=Path("reports/student"),
        )  # fmt: skip
        selection.run(
            replace(SELECT, budget=3, min_gap_frames=1), student=student, val=val, labels=STORE, held_out=HELD,
            candidates=PSEUDO_OUT / "candidates.json", labelled=MIX / "train.json", out=OUT, report=Path("reports/s"),
        )  # fmt: skip

    def mix(self) -> dict[str, Any]:
        return mix.run(
            mix.MixParams(synthetic_per_real=0.0, seed=0, labels=self.labels), real=Path("data/ingest/train.json"),
            synthetic=Path("data/render/people.json"), balance=Path("data/balance"), held_out=HELD, out=MIX,
            report=Path("reports/mix"),
        )  # fmt: skip

    def label(self, pool_in_between: list[Path]) -> None:
        """The picks go out, the pool is made of other films meanwhile, and a person labels them."""
        tool = TOOL.with_stem(f"round{len(self.labels)}")  # the record of an earlier round is not written over
        label_export.run(selection=OUT, out=tool)
        sent = read_sent(sent_path(tool))
        points = np.stack([figure(frame) for frame in sent.images.frame.tolist()])
        points = (points + 0.5) * (sent.images.width / FILM_PX[0])[:, None, None] - 0.5
        box = np.concatenate([points.min(axis=1) - 8, np.ptp(points, axis=1) + 16], axis=1)
        flags = np.full(points.shape[:2], 2)
        labels = People.build(image_id=sent.images.id, bbox_xywh_px=box, keypoints_px=points, visibility=flags)
        write_people(tool, labels, sent.images)
        again = replace(
            INGEST, sources=[self.source], pool_videos=[str(path) for path in pool_in_between], pool_every=2
        )
        ingest.run(again, fetched=Path("none"), out=Path("data/ingest"), report=Path("reports/ingest"))
        sent_record = sent_path(tool)
        done = label_import.run(IMPORT, labels=tool, sent=sent_record, out=STORE, annotator="anna", held_out=HELD)
        assert done.people == len(sent.images) and done.is_new and not done.superseded
        self.labels.append(str(done.path))
        self.answered |= set(sent.sha256.tolist())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(in_images, "BlazePose", Told)
    monkeypatch.setattr(in_images, "mirrored_answer", lambda pose, image, roi: pose.landmarks(image, roi).keypoints_px)
    people, images = draw_standing_people(Path("mine/images"), 24, seed=7)
    write_people(Path("mine/people.json"), people, images.replace(path=[f"mine/{Path(p).name}" for p in images.path]))
    write_people(Path("data/render/people.json"), People.empty(), Images.build(id=[], path=[], width=[], height=[]))
    with ExitStack() as stack:
        stack.enter_context(one_torch_thread())
        yield Project(SourceParams(annotations="mine/people.json", images="mine/images"))


def assert_on_their_pixels(project: Project) -> None:
    """Each person of the label files stands on bright dots, in the mix and in what a fit reads."""
    training = read_training_set(MIX, PSEUDO_OUT / "people.json", 0.5)
    for people, images in (read_project_people(MIX / "train.json"), (training.people, training.images)):
        by_hand = people.take([by == "anna" for by in people.extras.get("annotator", [None] * len(people))])
        assert len(by_hand) == len(project.answered)
        paths = images.path[images.rows_of(by_hand.image_id)].tolist()
        assert {sha256_file(Path(path)) for path in paths} == project.answered
        for path, points in zip(paths, by_hand.keypoints_px, strict=True):
            picture = cv2.imread(path)
            x, y = points.round().astype(int).T
            assert (picture[y, x, 1] > 180).all() and (picture[y, x, 0] < 130).all(), path


def frames_labelled() -> set[tuple[str, int]]:
    """(background, frame) of all labelled pictures, whatever the film is called."""
    return {
        (scene_of(path), frame)
        for file in read_store(STORE)
        for path, frame in zip(file.images.path.tolist(), file.images.frame.tolist(), strict=True)
    }


def scene_of(path: str) -> str:
    """Which of the two films a picture is of, by its lower left corner, where nobody stands."""
    corner = cv2.resize(cv2.imread(path), (256, 128), interpolation=cv2.INTER_AREA)[112:, :12].astype(np.float64)
    scenes = {name: (textured(seed, shape=FILM_PX[::-1]) * 0.4) for name, seed in (("A", 1), ("B", 2))}
    small = {n: cv2.resize(s, (256, 128), interpolation=cv2.INTER_AREA)[112:, :12] for n, s in scenes.items()}
    return min(small, key=lambda name: float(np.abs(small[name] - corner).mean()))


def proposed() -> set[tuple[str, int]]:
    """(background, frame) of the picks."""
    picks = read_selection(OUT).picks
    return {(scene_of(str(OUT / pick["image"])), pick["frame"]) for pick in picks.values()}


def labelled_by_teachers() -> set[tuple[str, int]]:
    found = set()
    for name in ("people.json", "candidates.json"):
        people, images = read_project_people(PSEUDO_OUT / name)
        rows = np.unique(images.rows_of(people.image_id))
        found |= {(scene_of(str(images.path[row])), int(images.frame[row])) for row in rows}
    return found


def test_three_rounds_with_changing_pools(project: Project) -> None:
    a, b = film(Path("films/a/clip.mp4"), 1, 6), film(Path("films/b/clip.mp4"), 2, 8)
    project.round([a], LARGE)
    assert len(proposed()) == 3
    project.label(pool_in_between=[b])
    first = frames_labelled()
    assert {scene for scene, _ in first} == {"A"} and len(first) == 3

    project.round([b], LARGE)
    assert_on_their_pixels(project)
    assert {scene for scene, _ in proposed() | labelled_by_teachers()} == {"B"}
    assert {frame for _, frame in labelled_by_teachers()} == set(range(8)), "another film of the same name is another"
    project.label(pool_in_between=[a])
    both = frames_labelled()
    assert len(both) == 6 and len(read_store(STORE)) == 2

    project.round([a, b], SMALL)
    assert_on_their_pixels(project)
    assert {int(width) for width in read_project_people(POOL)[1].width} == {SMALL}
    everything = {("A", frame) for frame in range(6)} | {("B", frame) for frame in range(8)}
    assert labelled_by_teachers() == everything - both
    assert proposed() and not proposed() & both

    kept = read_store(STORE)[0].images.path[0]
    Path(kept).write_bytes(Path(kept).read_bytes() + b"\0")
    with pytest.raises(InputError, match=rf"{kept} has changed.*`dvc pull --force data/labels/pictures`"):
        project.mix()
    with pytest.raises(InputError, match=rf"{kept} has changed"):
        read_training_set(MIX, None, 0.0)
