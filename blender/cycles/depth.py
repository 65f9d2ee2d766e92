"""Blender's own answers about the scene that `observe` set up last: its depth pass, and where it projects points."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import from_corner

from .process import import_bpy, silent_stdout


def render_depth() -> NDArray[np.float64]:
    """Depth along the camera's axis (h, w) of the scene that was observed last, from Cycles' own pass, in metres."""
    bpy = import_bpy()
    scene = bpy.context.scene
    scene.view_layers[0].use_pass_z = True
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    tree = scene.node_tree
    with tempfile.TemporaryDirectory() as folder:
        tree.nodes.clear()
        layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
        output.base_path = folder
        output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
        tree.links.new(layers.outputs["Depth"], output.inputs[0])
        with silent_stdout():
            bpy.ops.render.render(write_still=False)
        image = bpy.data.images.load(str(next(Path(folder).glob("*.exr"))))
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        values = np.empty(width * height * image.channels, dtype=np.float32)
        image.pixels.foreach_get(values)
        bpy.data.images.remove(image)
    scene.view_layers[0].use_pass_z = False
    return values.reshape(height, width, -1)[::-1, :, 0].astype(np.float64)


def blender_pixels(points_m: NDArray[np.float64], width_px: int, height_px: int) -> NDArray[np.float64]:
    """Pixels (n, 2) of `points_m` (n, 3) by Blender's own `world_to_camera_view`, which counts from the corner."""
    import_bpy()
    import bpy
    import mathutils
    from bpy_extras.object_utils import world_to_camera_view

    scene = bpy.context.scene
    views = [world_to_camera_view(scene, scene.camera, mathutils.Vector(point)) for point in points_m]
    return from_corner(np.array([[view.x * width_px, (1 - view.y) * height_px] for view in views]))
