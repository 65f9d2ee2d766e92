"""Depth of field and motion blur: an open aperture and an open shutter, set on Blender's camera and people."""

from collections.abc import Sequence
from typing import Any

from ..scene.lens import Lens


def blur(scene: Any, people: Sequence[Any], lens: Lens) -> None:
    """Open the aperture and the shutter of the scene's camera; `people` are Blender's objects. The frame stays."""
    optics = scene.camera.data.dof
    if lens.f_stop is not None:
        optics.use_dof, optics.focus_distance, optics.aperture_fstop = True, lens.focus_m, lens.f_stop
    if not lens.is_moving:
        return
    middle = scene.frame_current
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.0
    scene.render.motion_blur_position = "CENTER"
    turned = scene.camera.rotation_euler.copy()
    for frame, share in ((middle - 1, -1.0), (middle, 0.0), (middle + 1, 1.0)):  # the shutter is open half of that
        scene.camera.rotation_euler = turned
        scene.camera.rotation_euler.rotate_axis("Y", share * lens.shake_rad[0])
        scene.camera.rotation_euler.rotate_axis("X", share * lens.shake_rad[1])
        scene.camera.keyframe_insert("rotation_euler", frame=frame)
        for person, drift in zip(people, lens.drift_m, strict=False):
            person.location = [share * part for part in drift]
            person.keyframe_insert("location", frame=frame)
    scene.frame_set(middle)


def sharpen(scene: Any) -> None:
    """Close the aperture and the shutter again."""
    scene.camera.data.dof.use_dof = False
    scene.render.use_motion_blur = False
