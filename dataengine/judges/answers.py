"""What teachers say of labelled people along films: as they are, mirrored, turned and at other scales."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.runner import load_adopted_runner
from dataengine.blazepose.in_boxes import upright_region
from dataengine.blazepose.in_images import mirrored_answer
from dataengine.blazepose.model import BlazePose
from dataengine.crops.pixels import people_by_picture
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.inference.exported import ONNX_FP32
from dataengine.inference.running.predict import Runner, load_runner, predict_both_ways, predict_crops
from dataengine.judges.turned_views import VIEWS, TurnedView, seen_from, turned_region
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

AT_ONCE = 256  # crops


@dataclass(frozen=True, eq=False)
class TeacherAnswers:
    """One teacher's, of n people."""

    points_px: NDArray[np.float64]  # (n, 17, 2)
    confidence: NDArray[np.float64]  # (n, 17)
    mirrored_px: NDArray[np.float64]  # (n, 17, 2) its answer on the mirror image, mirrored back
    views_px: NDArray[np.float64]  # (views, n, 17, 2) those of `VIEWS`

    def take(self, rows: NDArray[np.int64]) -> "TeacherAnswers":
        """Those of some people."""
        return TeacherAnswers(
            self.points_px[rows], self.confidence[rows], self.mirrored_px[rows], self.views_px[:, rows]
        )


def blazepose_answers(people: People, images: Images, models: Path) -> TeacherAnswers:
    """BlazePose's landmark model in upright squares about the boxes. InputError where a model is missing."""
    blazepose = BlazePose(models)
    n = len(people)
    points, mirror = np.zeros((n, JOINTS, 2)), np.zeros((n, JOINTS, 2))
    confidence, views = np.zeros((n, JOINTS)), np.zeros((len(VIEWS), n, JOINTS, 2))
    for row, persons in track(people_by_picture(images.rows_of(people.image_id)), "BlazePose", unit="image"):
        image = read_picture(str(images.path[row]))
        for person in persons:
            region = upright_region(people.bbox_xywh_px[person].astype(np.float64))
            found = blazepose.landmarks(image, region)
            points[person], confidence[person] = found.keypoints_px, found.confidence
            mirror[person] = mirrored_answer(blazepose, image, region)
            for number, view in enumerate(VIEWS):
                views[number, person] = blazepose.landmarks(image, turned_region(region, view)).keypoints_px
    return TeacherAnswers(points, confidence, mirror, views)


def network_answers(folder: Path, people: People, images: Images) -> TeacherAnswers:
    """Those of a checkpoint folder, or of an adopted network. InputError where it cannot be loaded."""
    is_adopted = (folder / ONNX_FP32).is_file()
    runner, meta = load_adopted_runner(folder) if is_adopted else load_runner(folder)
    both = predict_both_ways(runner, meta, people, images, description=folder.name)
    return TeacherAnswers(
        both.plain.keypoints_px.astype(np.float64),
        both.plain.confidence.astype(np.float64),
        both.mirrored.keypoints_px.astype(np.float64),
        np.stack([_from_view(runner, meta, people, images, view) for view in VIEWS]),
    )


def _from_view(
    runner: Runner, meta: ModelMeta, people: People, images: Images, view: TurnedView
) -> NDArray[np.float64]:
    matrices = seen_from(crop_matrix(people.bbox_xywh_px.astype(np.float64), meta.crop), meta.crop, view)
    points = np.zeros((len(people), JOINTS, 2))
    rows, crops = list[int](), list[NDArray[np.uint8]]()

    def answer() -> None:
        if rows:
            found = predict_crops(runner, meta, np.stack(crops), matrices[rows])
            points[rows] = found.keypoints_px
        rows.clear()
        crops.clear()

    for row, persons in people_by_picture(images.rows_of(people.image_id)):
        image = read_picture(str(images.path[row]))
        for person in persons:
            rows.append(int(person))
            crops.append(extract_crop(image, matrices[person], meta.crop))
        if len(rows) >= AT_ONCE:
            answer()
    answer()
    return points
