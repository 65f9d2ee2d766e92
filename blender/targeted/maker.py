"""One image of a fitted person from its index: the pose on another body, in other clothes, light and surroundings.

What a render worker does with ``--like``. The camera stands close to where the fit has it, so the person is seen from
nearly the same side as in the given image; everything else is drawn as in any render.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pictures.in_sight import nobody_seen
from ..pictures.maker import ImageMaker
from ..poses.library import jittered, read_pose_library
from ..scene.params import RenderParams
from ..scene.spec import SceneSpec, draw_scene
from .entry import pose_from_entry
from .likeness import unlike
from .params import LikeParams

_STREAM = 1  # of random numbers, apart from those of the scene
_SKIN_M = 0.07  # from the lowest joint to the floor
_FOCAL_SPREAD = 0.12  # of the logarithm
_JITTER_OF_DRAWS = (1.0, 0.5)  # of pose_jitter_deg; a body that runs into itself takes the next, at last the fit
_LOWEST_M = 0.2  # a camera held just above the floor


class LikeMaker:
    """Makes variation ``index % variations`` of entry ``index // variations``; holds the body model of its process."""

    def __init__(
        self,
        params: RenderParams,
        like: LikeParams,
        entries: list[dict[str, Any]],
        out: Path,
        cache: Path,
        fingerprint: str,
    ) -> None:
        self._params = replace(params, motion_share=0.0)  # poses are given, so recordings are not read
        self._like, self._entries = like, entries
        self._maker = ImageMaker(params, out, cache, fingerprint)
        self._library = read_pose_library()

    def make(self, index: int) -> None:
        """Render one image until it is like its entry; its sidecar is written last."""
        number, variation = divmod(index, self._like.variations)
        entry = self._entries[number]

        def scene_of(attempt: int) -> SceneSpec:
            drawn = draw_scene(self._params, self._library, index, attempt=attempt)
            return like_scene(drawn, entry, self._like, self._params.seed, attempt)

        def why_not(image_bgr: NDArray[np.uint8], people: Sequence[dict[str, Any]]) -> str:
            return nobody_seen(image_bgr, people) or unlike(entry, people, self._like)

        source = {"person": entry["person"], "image": entry["image"], "variation": variation}
        self._maker.first_kept(index, scene_of, {"like": source}, why_not)


def like_scene(drawn: SceneSpec, entry: dict[str, Any], like: LikeParams, seed: int, attempt: int = 0) -> SceneSpec:
    """The drawn scene with only its first person, in the pose of `entry`, seen by a camera near that of the fit."""
    rng = np.random.default_rng([seed, drawn.index, _STREAM, *([attempt] if attempt else [])])
    around, above = rng.normal(0, np.deg2rad(like.view_jitter_deg) * np.array([1.0, 0.5]))
    fitted = pose_from_entry(entry)
    drawn_pose, *less = (jittered(fitted, share * like.pose_jitter_deg, rng) for share in _JITTER_OF_DRAWS)
    spares = (*less, fitted)
    person = replace(drawn.people[0], pose=drawn_pose, spares=spares, turn_rad=float(around), lift_m=0.0)
    # the fit sees the person from a level camera at the height of its middle
    height = _SKIN_M + entry["middle_m"] + entry["depth_m"] * np.tan(above)
    camera = replace(
        drawn.camera,
        focal_mm=entry["focal_mm"] * float(np.exp(rng.normal(0, _FOCAL_SPREAD))),
        height_m=float(max(height, _LOWEST_M)),
        azimuth_rad=0.0,
    )
    return replace(drawn, people=(person,), camera=camera)
