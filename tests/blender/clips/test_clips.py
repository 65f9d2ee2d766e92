"""Clips: pure in their number, whole bodies that do not collide, and the files of the command with real Blender."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.blender.batch.workforce import Outcome, Terms, Workforce
from dataengine.blender.clips.spec import ClipParams, camera_between, draw_clip
from dataengine.blender.poses.library import MOTION_FAMILY, Pose, read_pose_library
from dataengine.blender.poses.motion import Motion
from dataengine.blender.render_clips import MAKER
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.workers.job import Job
from dataengine.errors import ParamsError

CLIP = ClipParams(clips=2, frames=3, fps=2.0, key_seconds=0.5, moving_camera_share=1.0, speed_m_s=1.0)
HIPS, KNEES = (11, 12), (13, 14)


@pytest.fixture(scope="module")
def library() -> tuple[Pose, ...]:
    return read_pose_library()


def recording(library: tuple[Pose, ...]) -> Motion:
    poses = tuple(replace(pose, name=f"walk:{n}", family=MOTION_FAMILY) for n, pose in enumerate(library[:5]))
    return Motion(poses, 0.1)


def test_a_clip_is_the_same_for_the_same_number_and_another_for_the_next(
    small_params: RenderParams, library: tuple[Pose, ...]
) -> None:
    first, again, second = (draw_clip(small_params, CLIP, library, [], number) for number in (0, 0, 1))
    assert first == again and first != second


def test_people_move_through_poses_of_one_family(small_params: RenderParams, library: tuple[Pose, ...]) -> None:
    families = {pose.name: pose.family for pose in library}
    for number in range(20):
        for performer in draw_clip(small_params, CLIP, library, [], number).performers:
            assert len(performer.keys) == 3, "one second in half seconds"
            assert len({families[pose.name] for pose in performer.keys}) == 1
            assert performer.keys[0] == performer.person.pose


def test_a_recording_is_played_on_and_then_back(small_params: RenderParams, library: tuple[Pose, ...]) -> None:
    params, clip = replace(small_params, motions=["walk.bvh"], motion_share=1.0), replace(CLIP, frames=11, fps=10.0)
    for number in range(10):
        for performer in draw_clip(params, clip, library, [recording(library)], number).performers:
            numbers = [int(pose.name.partition(":")[2]) for pose in performer.keys]
            assert len(numbers) == 11 and performer.key_seconds == 0.1
            assert set(np.abs(np.diff(numbers))) == {1}, "neighbouring frames, also where it turns"


def test_a_recording_finer_than_the_clip_is_thinned(small_params: RenderParams, library: tuple[Pose, ...]) -> None:
    params = replace(small_params, motions=["walk.bvh"], motion_share=1.0)
    for fps, stride in ((10.0, 1), (4.0, 2), (2.0, 5), (60.0, 1)):
        clip = replace(CLIP, frames=int(fps) + 1, fps=fps)
        for performer in draw_clip(params, clip, library, [recording(library)], 0).performers:
            assert performer.key_seconds == pytest.approx(0.1 * stride)
            assert len(performer.keys) == 10 // stride + 1
            first, second = (int(pose.name.partition(":")[2]) for pose in performer.keys[:2])
            there_and_back = [*range(5), *range(3, 0, -1)]
            assert any(
                (there_and_back[place], there_and_back[(place + stride) % 8]) == (first, second) for place in range(8)
            )


def test_a_camera_goes_from_its_start_to_its_end(small_params: RenderParams, library: tuple[Pose, ...]) -> None:
    clip = draw_clip(small_params, CLIP, library, [], 0)
    start, end = clip.scene.camera, clip.camera_end
    assert start != end, "moving_camera_share is 1"
    assert camera_between(start, end, 0) == start and camera_between(start, end, 1) == end
    still = draw_clip(small_params, replace(CLIP, moving_camera_share=0.0), library, [], 0)
    assert still.camera_end == still.scene.camera


def test_a_photograph_stands_behind_people_whom_a_still_camera_films(
    small_params: RenderParams, library: tuple[Pose, ...]
) -> None:
    params = replace(small_params, backgrounds="photographs", background_share=1.0)
    moving, still = (
        [draw_clip(params, replace(CLIP, moving_camera_share=share), library, [], number) for number in range(5)]
        for share in (1.0, 0.0)
    )
    assert all(clip.scene.backdrop is None for clip in moving)
    assert all(clip.scene.backdrop is not None for clip in still)


@pytest.mark.parametrize(
    ("change", "option"),
    [({"frames": 1}, "--frames"), ({"fps": 0.0}, "--fps"), ({"moving_camera_share": 1.2}, "--moving-camera-share")],
)
def test_impossible_clips_are_refused(change: dict[str, Any], option: str) -> None:
    with pytest.raises(ParamsError, match=option):
        replace(CLIP, **change)


@pytest.mark.bpy
def test_bodies_stay_whole_on_the_floor_and_out_of_each_other(
    small_params: RenderParams, library: tuple[Pose, ...], body_cache: Path
) -> None:
    from dataengine.blender.body.model import BodyModel
    from dataengine.blender.clips.layout import Performance
    from dataengine.blender.scene.layout import make_tailor

    model = BodyModel.load(body_cache)
    tailor = make_tailor(model.template)
    params = replace(small_params, max_people=3)
    clips = (draw_clip(params, CLIP, library, [], number) for number in range(50))
    spec = next(clip for clip in clips if len(clip.performers) == 3)
    performance = Performance(spec, CLIP.seconds, model, tailor)
    moments = [performance.at(seconds, 96, 96) for seconds in (0.0, 0.2, 0.5, 1.0)]
    for row in range(3):
        shins = [
            np.linalg.norm(moment.people[row].joints_m[KNEES[0]] - moment.people[row].joints_m[HIPS[0]])
            for moment in moments
        ]
        assert np.ptp(shins) < 0.05 * shins[0], "bones keep their length"
        for moment in moments:
            lowest = moment.people[row].mesh.vertices_m[:, 2].min()
            assert -1e-6 <= lowest <= spec.performers[row].person.lift_m + 1e-6
        assert all(
            np.array_equal(a.colour, b.colour)
            for moment in moments[1:]
            for a, b in zip(moments[0].people[row].mesh.surfaces, moment.people[row].mesh.surfaces, strict=True)
        ), "nobody changes clothes"
    for moment in moments:
        hips = np.stack([person.joints_m[list(HIPS), :2].mean(axis=0) for person in moment.people])
        for row in range(3):
            for other in range(row):
                own = moment.people[row].mesh.vertices_m[:, :2]
                assert np.linalg.norm(own - hips[other], axis=1).min() > 0.05, "nobody stands in somebody's hips"
    middle = [np.stack([p.joints_m[list(HIPS), :2].mean(axis=0) for p in m.people]) for m in moments]
    np.testing.assert_allclose(middle[2] - middle[0], (middle[3] - middle[0]) / 2, atol=1e-6)


@pytest.mark.bpy
def test_the_command_writes_labelled_frames_tracks_and_videos(
    small_params: RenderParams, body_cache: Path, tmp_path: Path
) -> None:
    import av

    from dataengine.blender.render_clips import run
    from dataengine.coco_json import read_people
    from dataengine.geometry.cameras import project

    out = tmp_path / "clips"
    run(small_params, CLIP, out=out, cache=body_cache)
    people, images = read_people(out / "people.json")
    assert images.video.tolist() == ["clip0000"] * 3 + ["clip0001"] * 3
    assert images.frame.tolist() == [0, 1, 2] * 2
    of_image = {int(i): people.take(people.image_id == i) for i in images.id}
    assert any(len(each) for each in of_image.values())
    for each in of_image.values():
        tracks = each.track_id.tolist()
        assert len(set(tracks)) == len(tracks) and set(tracks) <= {1, 2}
    for row in range(len(people)):
        seen = people.visibility[row] > 0
        joints = np.array(people.extras["keypoints_cam_m"][row])[seen]
        pixels, _ = project(joints, np.array(people.extras["K"][row]), np.eye(4))
        np.testing.assert_allclose(pixels, people.keypoints_px[row][seen], atol=0.05)
    with av.open(str(out / "videos" / "clip0001.mp4")) as container:
        shown = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == CLIP.fps
    assert len(shown) == 3

    written = {path.name: path.stat().st_mtime_ns for path in out.glob("images/*.png")}
    run(small_params, replace(CLIP, clips=1), out=out, cache=body_cache)
    assert {path.name for path in out.glob("images/*.png")} == {"000000.png", "000001.png", "000002.png"}
    assert all(path.stat().st_mtime_ns == written[path.name] for path in out.glob("images/*.png")), "kept"


@pytest.mark.bpy
def test_a_clip_has_the_lens_and_the_photograph_of_its_scene(
    small_params: RenderParams, body_cache: Path, tmp_path: Path, blenders_python: Path
) -> None:
    import cv2

    from dataengine.blender.body.model import BodyModel
    from dataengine.blender.clips.layout import Performance
    from dataengine.blender.scene.layout import make_tailor

    photographs, out = tmp_path / "photographs", tmp_path / "clips"
    for folder in (photographs, out / "images", out / "sidecars"):
        folder.mkdir(parents=True)
    cv2.imwrite(str(photographs / "green.png"), np.full((64, 64, 3), (0, 255, 0), np.uint8))
    params = replace(small_params, backgrounds=str(photographs), background_share=1.0, defocus_share=1.0)
    clip = replace(CLIP, moving_camera_share=0.0)

    spec = draw_clip(params, clip, read_pose_library(), [], 0)
    model = BodyModel.load(body_cache)
    seen = Performance(spec, clip.seconds, model, make_tailor(model.template)).at(0.5, 96, 96)
    _, depth = seen.camera.project(seen.people[0].joints_m)
    assert seen.lens.f_stop == spec.scene.lens.f_stop is not None
    assert depth.min() < seen.lens.focus_m < depth.max()

    job = Job(MAKER, {"params": params, "clip": clip, "out": out, "cache": body_cache, "fingerprint": "fingerprint"})
    outcome = Outcome()
    assert len(list(Workforce(blenders_python, job, Terms(1, 120, 10)).run([0, 2], outcome))) == 2
    assert not outcome.skipped
    for frame in (0, 2):
        blue, green, red = cv2.split(cv2.imread(str(out / "images" / f"{frame:06d}.png")).astype(int))
        assert ((green > 2 * blue) & (green > 2 * red)).mean() > 0.1
