"""The commands that fit and compare, on made films whose people are known in space."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.evaluation.mpjpe import mpjpe
from dataengine.judges import kept, ranking
from dataengine.judges.answers import TeacherAnswers
from dataengine.judges.compare_judges import run as compare_judges
from dataengine.judges.table import LIFTED
from dataengine.lifter_fits import accuracy
from dataengine.lifter_fits.accuracy import accuracy_of
from dataengine.lifter_fits.compare_lifters import run as compare
from dataengine.lifter_fits.fit_lifter import ANSWERS
from dataengine.lifter_fits.fit_lifter import run as fit
from dataengine.lifter_fits.teacher_tracks import measured_errors, seen_tracks
from dataengine.lifter_fits.trials import planned, widths_of
from dataengine.lifting.lifted import LiftedTrack
from dataengine.lifting.motions import write_motions
from dataengine.people import Images, People
from dataengine.studies.one_at_a_time import one_at_a_time
from dataengine.tracking.labelled_films import read_film_set

from ..lifting.made_motions import seen_track, small, swaying

FRAMES, FILMS, SIZE = 8, 3, 200
K = [[250.0, 0, 99.5], [0, 250.0, 99.5], [0, 0, 1.0]]
PARAMS = small(steps=4)


def known_in_space(path: Path) -> Path:
    """One person in each film, ten frames a second, with its place before a known camera."""
    images, people = [], []
    for number in range(FILMS):
        track, camera = seen_track(FRAMES, depth_m=4.0 + number)
        points = track.rays * 250 + 99.5
        ids = 1 + number * FRAMES + np.arange(FRAMES)
        paths = [f"{path.parent}/images/{each}.png" for each in ids]
        for each in map(Path, paths):
            each.parent.mkdir(parents=True, exist_ok=True)
            each.write_bytes(each.name.encode())  # a stand-in: the one teacher does not look
        videos = [f"film{number}"] * FRAMES
        images.append(Images.build(id=ids, path=paths, width=SIZE, height=SIZE, video=videos, frame=range(FRAMES)))
        low, high = points.min(axis=1), points.max(axis=1)
        people.append(
            People.build(
                image_id=ids,
                bbox_xywh_px=np.concatenate([low, high - low], axis=1),
                keypoints_px=points,
                visibility=np.full((FRAMES, 17), 2),
                track_id=1,
                extras={"K": [K] * FRAMES, "keypoints_cam_m": camera.tolist()},
            )
        )
    write_people(path, People.concat(people), Images.concat(images), info={"fps": 10.0})
    return path


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Films whose one teacher is wrong about the left wrist of every third frame."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ranking, "RESAMPLES", 5)

    def blazepose(people: People, images: Images, models: Path) -> TeacherAnswers:
        points = people.keypoints_px.astype(np.float64)
        points[::3, 9] += 30.0
        sure = np.full(points.shape[:2], 0.8)
        return TeacherAnswers(points, sure, points + 1, np.stack([points] * 4))

    monkeypatch.setattr(kept, "blazepose_answers", blazepose)
    write_motions(Path("motions.npz"), swaying())
    write_motions(Path("held_out.npz"), swaying(2, 12))
    return known_in_space(Path("clips/people.json"))


def test_teachers_are_seen_as_they_answer_and_err(clips: Path) -> None:
    films = read_film_set(clips)
    seen = seen_tracks(films, kept.AskedTeachers(Path("none"), None, Path("answers")), [])
    assert len(seen) == FILMS and {each.teacher for each in seen} == {"blazepose"}
    track, camera = seen_track(FRAMES)
    np.testing.assert_allclose(seen[0].truth_rays, track.rays, atol=1e-5)
    assert seen[0].truth_m is not None
    np.testing.assert_allclose(seen[0].truth_m, camera, atol=1e-6)
    errors = measured_errors(seen)
    wrong = np.abs(errors.errors).max(axis=(1, 2)) > 0.05
    assert wrong.tolist() == [frame % 3 == 0 for _ in range(FILMS) for frame in range(FRAMES)]


def test_accuracy_is_the_mean_distance_in_millimetres(clips: Path) -> None:
    seen = seen_tracks(read_film_set(clips), kept.AskedTeachers(Path("none"), None, Path("answers")), [])
    rng = np.random.default_rng(0)
    lifted, truth, found = [], [], []
    for each in seen:
        assert each.truth_m is not None
        relative = each.truth_m - each.truth_m[:, 11:13].mean(axis=1, keepdims=True)
        pose = relative + rng.normal(0, 0.02, relative.shape)
        lifted.append(LiftedTrack(pose, np.zeros((FRAMES, 3)), np.zeros((FRAMES, 17))))
        truth.append(relative)
        found.append(pose)
    got = accuracy_of(seen, lifted)
    expected = 1000 * np.linalg.norm(np.concatenate(truth) - np.concatenate(found), axis=-1).mean()
    assert got.mpjpe_mm == pytest.approx(expected) and got.frames == FILMS * FRAMES
    assert got.mpjpe_mm == pytest.approx(1000 * mpjpe(np.concatenate(truth), np.concatenate(found)))
    assert got.pa_mpjpe_mm < got.mpjpe_mm and got.bone_change_mm > 1
    assert accuracy_of([], []).frames == 0


def test_the_page_has_every_fit_once_and_a_stopped_study_goes_on(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = Path("motions.npz"), Path("held_out.npz"), [clips]
    options = {"first": 1, "fields": (1, 1), "seeds": (0, 1, 0)}  # a fit that is asked for twice is one
    results = compare(PARAMS, *sets, Path("report"), **options)  # type: ignore[arg-type]
    assert [each.trial.name for each in results] == [
        f"1-{way}-{seed}" for seed in (0, 1) for way in ("supervised", "semi-supervised")
    ]
    page = Path("report/lifting.md").read_text()
    assert (
        "| 1 | semi-supervised | " in page
        and " ± " in page
        and "mean pose" in page
        and "clips/people.json: blaz" in page
    )
    assert len(json.loads(Path("report/metrics.json").read_text())) == 4
    before = results[0].accuracy["held_out.npz"].mpjpe_mm
    assert np.isfinite(before) and before > 0
    with one_at_a_time(Path("report")), pytest.raises(EnvironmentFault, match="another process works on report"):
        compare(PARAMS, *sets, Path("report"), **options)  # type: ignore[arg-type]
    monkeypatch.setattr(accuracy, "lift_track", None)
    assert compare(PARAMS, *sets, Path("report"), **options) == results, "fits are kept"  # type: ignore[arg-type]
    write_motions(Path("other.npz"), replace(swaying(2, 12), joints_m=swaying(2, 12).joints_m[::-1].copy()))
    with pytest.raises(TypeError, match="not callable"):  # as many frames of other motions have to be measured
        compare(PARAMS, sets[0], Path("other.npz"), [clips], Path("report"), **options)  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="--first"):
        compare(PARAMS, *sets, Path("report"), first=0)
    with pytest.raises(InputError, match="no films are left"):
        compare(PARAMS, *sets, Path("report"), first=9)
    with pytest.raises(ParamsError, match="--fields"):
        compare(PARAMS, *sets, Path("report"), fields=(5,))
    assert widths_of(81) == (3, 3, 3, 3) and len(planned((1, 27), (0,), semi=False)) == 2


def test_people_who_are_not_known_in_space_are_refused(clips: Path) -> None:
    people, images = read_people(clips)
    extras = {name: column for name, column in people.extras.items() if name != "keypoints_cam_m"}
    write_people(clips, people.replace(extras=extras), images, info={"fps": 10.0})
    with pytest.raises(InputError, match="not known in space"):
        compare(PARAMS, Path("motions.npz"), Path("held_out.npz"), [clips], Path("report"), first=1)
    assert not ANSWERS.exists(), "nobody was asked"


@pytest.mark.parametrize("unknown", ["place", "flag"])
def test_films_that_nobody_can_be_measured_in_are_refused_before_a_fit(clips: Path, unknown: str) -> None:
    record = json.loads(clips.read_text())
    nowhere = {"place": ("keypoints_cam_m", [[float("nan")] * 3] * 17), "flag": ("keypoints", [0] * 51)}
    for person in record["annotations"]:
        person.update([nowhere[unknown]])
    clips.write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"nobody in clips/people\.json: blazepose can be measured"):
        compare(PARAMS, Path("motions.npz"), Path("held_out.npz"), [clips], Path("report"), first=1)
    assert not Path("report").exists()


def test_motions_that_are_learnt_from_measure_nothing(clips: Path) -> None:
    with pytest.raises(InputError, match="--held-out is what --motions has"):
        compare(PARAMS, Path("motions.npz"), Path("motions.npz"), [clips], Path("report"), first=1)


def test_a_lifter_is_fitted_and_judges(clips: Path) -> None:
    lineage = fit(
        PARAMS, Path("motions.npz"), Path("lifter"), films=[clips], leave_first=1, unlabelled=[clips], answers=Path("a")
    )
    assert lineage["error_tracks"] == 2 and lineage["unlabelled_tracks"] == 2 and lineage["teachers"] == ["blazepose"]
    assert "reprojection" in lineage["losses"] and not Path("lifter.resume").exists()
    alone = fit(PARAMS, Path("motions.npz"), Path("alone"), films=[], unlabelled=[], answers=Path("a"))
    assert alone["error_tracks"] == 0 and "reprojection" not in alone["losses"]
    rows = compare_judges([clips, clips], Path("report"), first=1, lifter=Path("lifter"))
    of = {row.judge: row for row in rows}
    assert len(of) == len(rows), "a set that is named twice is judged once"
    assert LIFTED in of and 0.6 < of[LIFTED].figures.auroc < 1, "a lifter of four steps knows little"
    assert (
        "--lifter" not in Path("report/judges.md").read_text()
        and "| lifted pose | " in Path("report/judges.md").read_text()
    )
    with pytest.raises(ParamsError, match="--leave-first"):
        fit(PARAMS, Path("motions.npz"), Path("lifter"), films=[], leave_first=-1, unlabelled=[])
    with pytest.raises(InputError, match=f"--leave-first leaves nothing of .* expected fewer than its {FILMS} films"):
        fit(PARAMS, Path("motions.npz"), Path("new"), films=[clips], leave_first=FILMS, unlabelled=[])
    with pytest.raises(InputError, match="none is not a lifter"):
        compare_judges([clips], Path("report"), lifter=Path("none"))
    (Path("lifter") / "model.json").write_text("of a student")
    with pytest.raises(InputError, match="lifter holds something else: expected a lifter, or nothing, got model"):
        fit(PARAMS, Path("motions.npz"), Path("lifter"), films=[], unlabelled=[])
