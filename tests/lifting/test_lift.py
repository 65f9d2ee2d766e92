"""The command on a file of tracks: what it writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.coco_json import read_project_people, write_people
from dataengine.columns import object_column
from dataengine.errors import InputError, ParamsError
from dataengine.lifting.checkpoint import save_lifter
from dataengine.lifting.lift import run
from dataengine.lifting.lifted import LiftedTrack, lift_track
from dataengine.lifting.network import LifterNetwork
from dataengine.lifting.observed import RayTrack
from dataengine.lifting.people_tracks import read_tracks
from dataengine.lifting.shown import BAR_M, SIDE_M, TILE_PX, film_frames
from dataengine.people import JOINT_CONFIDENCE
from dataengine.video.decoding import iter_frames

from ..tracking.test_labelled_films import FRAMES, written
from .made_motions import SMALL, seen_track


@pytest.fixture(scope="module")
def lifter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifter")
    torch.manual_seed(0)
    save_lifter(folder, LifterNetwork(SMALL).eval(), SMALL, {})
    return folder


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two films of two people, whose first joint is never found and whose second is doubted."""
    monkeypatch.chdir(tmp_path)
    path = written(Path("clips"), films=2)
    people, images = read_project_people(path)
    flags = people.visibility.copy()
    flags[:, 0] = 0
    sure = np.full(flags.shape, 0.9)
    sure[:, 1] = 0.2
    write_people(
        path, people.replace(visibility=flags).with_extra(JOINT_CONFIDENCE, list(sure)), images, info={"fps": 10}
    )
    return path


def test_tracks_are_lifted_and_shown(clips: Path, lifter: Path) -> None:
    tracks = read_tracks(clips)
    assert [(each.film, each.track_id) for each in tracks] == [(f"film{n}", i) for n in (0, 1) for i in (4, 7)]
    assert np.isnan(tracks[0].track.rays[:, 0]).all() and not tracks[0].track.confidence[:, 0].any()
    np.testing.assert_allclose(tracks[0].track.confidence[:, 1], 0.2)
    lifted = run(clips, lifter, Path("out"))
    record = json.loads(Path("out/joints.json").read_text())
    first = record["tracks"][0]
    assert len(record["tracks"]) == 4 and first["video"] == "film0" and first["track_id"] == 4
    assert first["frames"] == list(range(FRAMES)) and np.shape(first["pose_m"]) == (FRAMES, 17, 3)
    np.testing.assert_allclose(first["root_m"], lifted[0].root_m, atol=1e-3)
    assert first["residual"][0][0] is None and first["residual"][0][1] >= 0
    assert Path("out/lifted.jpg").stat().st_size > 1000
    assert film_seconds(Path("out")) == pytest.approx([frame / 10 for frame in range(FRAMES)], abs=0.01)
    run(clips, lifter, Path("arrays"), form="npz", film=False)
    with np.load("arrays/joints.npz", allow_pickle=False) as arrays:
        assert arrays["pose_m"].shape == (4 * FRAMES, 17, 3) and arrays["video"][0] == "film0"
        np.testing.assert_allclose(arrays["pose_m"][:FRAMES], lifted[0].pose_m, atol=1e-5)
    assert not list(Path("arrays").glob("lifted.mp4"))


def test_the_film_begins_with_who_is_seen_first(clips: Path, lifter: Path) -> None:
    """The person of the first track comes half a second after the other one."""
    people, images = read_project_people(clips)
    write_people(
        clips, people.take((people.track_id != 4) | ((people.image_id - 1) % FRAMES >= 5)), images, info={"fps": 10}
    )
    run(clips, lifter, Path("out"))
    assert film_seconds(Path("out")) == pytest.approx([frame / 10 for frame in range(FRAMES)], abs=0.01)


def test_a_film_without_times_is_named(clips: Path, lifter: Path) -> None:
    """Some programs write films whose frames all have time 0, and `infer` keeps the times that it finds."""
    people, images = read_project_people(clips)
    write_people(clips, people, images.replace(time_s=np.where(images.video == "film1", 0.0, images.frame / 10)))
    with pytest.raises(InputError, match=r"times of film1 do not grow.*frame 0 at 0 s and frame 1 at 0 s.*setpts"):
        run(clips, lifter, Path("out"))
    assert not Path("out/joints.json").exists()


def test_who_has_left_is_not_shown_and_the_views_have_a_scale() -> None:
    pose = np.zeros((2, 17, 3))
    pose[:, :, 1] = np.linspace(-0.6, 0.6, 17)
    stays, left = (LiftedTrack(pose, np.zeros((2, 3)), np.zeros((2, 17))) for _ in range(2))
    pictures = [
        picture
        for _, picture in film_frames([("a", np.array([0.0, 0.3]), stays), ("b", np.array([0.0, 0.1]), left)], 2)
    ]
    below = [picture[TILE_PX:] for picture in pictures]
    assert [bool((part < 255).any()) for part in below] == [True, True, False]
    for view in range(3):  # half a metre long, in the corner of each
        corner = pictures[0][TILE_PX - 10, view * TILE_PX : (view + 1) * TILE_PX]
        assert (corner[TILE_PX // 2 :] < 255).any(axis=-1).sum() == pytest.approx(BAR_M * TILE_PX / SIDE_M, abs=2)


def film_seconds(out: Path) -> list[float]:
    """Times of the frames of the film that `lift` wrote."""
    (path,) = [*out.glob("lifted.mp4"), *out.glob("lifted.webm")]
    return [frame.pts_s for frame in iter_frames(path)]


def test_what_cannot_be_lifted_is_refused(clips: Path, lifter: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="--format"):
        run(clips, lifter, Path("out"), form="csv")
    with pytest.raises(InputError, match="is not a lifter: expected a folder of `dataengine fit-lifter`"):
        run(clips, tmp_path / "none", Path("out"))
    people, images = read_project_people(clips)
    write_people(clips, people.take(np.zeros(len(people), dtype=bool)), images)
    with pytest.raises(InputError, match="nobody"):
        run(clips, lifter, Path("out"))
    write_people(clips, people.with_extra("K", [[[1.0, 2.0]]] * len(people)), images)
    with pytest.raises(InputError, match="K of a person"):
        run(clips, lifter, Path("out"))
    malformed: list[Any] = ["sure", [0.5] * 16, [[0.5]] * 17, [{}] * 17]
    for cell in malformed:
        write_people(clips, people.with_extra(JOINT_CONFIDENCE, object_column([cell] * len(people))), images)
        with pytest.raises(InputError, match=r"joint_confidence of a person is malformed: expected numbers \(17,\)"):
            run(clips, lifter, Path("out"))
    tiny = [[1e-30, 0.0, 1.0], [0.0, 1e-30, 1.0], [0.0, 0.0, 1.0]]
    write_people(clips, people.with_extra("K", [tiny] * len(people)), images)
    with pytest.raises(InputError, match="a track cannot be lifted: expected joints in or near the picture"):
        run(clips, lifter, Path("out"), form="npz")
    assert not Path("out").exists()


def test_a_film_of_years_is_lifted_and_shown(clips: Path, lifter: Path) -> None:
    people, images = read_project_people(clips)
    write_people(clips, people, images.replace(time_s=images.frame * 1e9))
    lifted = run(clips, lifter, Path("out"))
    assert len(lifted) == 4 and Path("out/lifted.mp4").is_file()


def test_short_and_broken_tracks_are_lifted_whole() -> None:
    """Shorter than the receptive field; frames and a joint without an answer."""
    torch.manual_seed(0)
    net = LifterNetwork(SMALL).eval()
    for frames in (1, 2, 5):
        track, _ = seen_track(frames)
        rays, sure = track.rays.copy(), track.confidence.copy()
        rays[0], rays[:, 3], sure[:, 4] = np.nan, np.inf, np.nan
        lifted = lift_track(net, SMALL, RayTrack(track.time_s, rays, sure))
        assert lifted.joints_m.shape == (frames, 17, 3) and np.isfinite(lifted.joints_m).all()
        known = np.isfinite(rays).all(axis=-1)
        assert np.isfinite(lifted.residual[known]).all()
        nothing = lift_track(net, SMALL, RayTrack(track.time_s, np.full_like(rays, np.nan), sure))
        assert np.isfinite(nothing.joints_m).all()
