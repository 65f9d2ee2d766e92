"""Lamps of a scene as Blender's objects."""

from collections.abc import Sequence
from typing import Any

from ..scene.lamps import Lamp


def add_lamps(bpy: Any, scene: Any, lamps: Sequence[Lamp]) -> None:
    """Put the lamps into Blender's scene: they light it, but the camera does not see them."""
    import mathutils

    for lamp in lamps:
        data = bpy.data.lights.new("lamp", lamp.kind)
        data.energy, data.color = lamp.power, lamp.colour
        if lamp.kind == "AREA":
            data.size = lamp.size
        else:
            data.angle = lamp.size
        made = bpy.data.objects.new("lamp", data)
        way = mathutils.Vector(lamp.onto_m) - mathutils.Vector(lamp.from_m)
        made.rotation_euler = way.to_track_quat("-Z", "Y").to_euler()
        made.location = lamp.from_m
        made.visible_camera = False
        scene.collection.objects.link(made)
