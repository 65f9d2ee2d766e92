"""An entry of fits.json as read back: what render workers need of a fit."""

from typing import Any

from ..poses.library import Limb, Pose


def pose_from_entry(entry: dict[str, Any]) -> Pose:
    """The pose of an entry whose fit was kept."""
    values = dict(entry["pose"])
    for limb in ("left_arm", "right_arm", "left_leg", "right_leg"):
        upper, lower = values[limb]["upper"], values[limb]["lower"]
        values[limb] = Limb(tuple(upper), tuple(lower), None)
    for turn in ("root", "spine", "neck", "contacts"):
        values[turn] = tuple(values[turn])
    return Pose(**values)
