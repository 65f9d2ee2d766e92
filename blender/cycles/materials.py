"""A surface as a Blender material: image textures over the mesh's UV map.

Building an image takes longer than building its material, so images of textures that never change are kept from scene
to scene: code that clears Blender's data must spare `lasting_image_names`, or call `forget_lasting_images`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Surface

# Blender's images of textures that never change (read-only arrays), by the array's id, which holding it keeps unique.
_lasting_images: dict[int, tuple[NDArray[np.float32], str]] = {}


def lasting_image_names() -> set[str]:
    """Names of the images that are kept."""
    return {name for _, name in _lasting_images.values()}


def forget_lasting_images() -> None:
    """Forget the kept images: to be called when Blender's data, and the images with them, are gone."""
    _lasting_images.clear()


def make_material(bpy: Any, surface: Surface) -> Any:
    """A new material that looks like `surface`."""
    material = bpy.data.materials.new("surface")
    material.use_nodes = True
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    colour = _image_node(bpy, tree, surface.colour, surface.colour_repeats)
    tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = surface.roughness
    shader.inputs["Specular IOR Level"].default_value = surface.specular
    if surface.subsurface:
        shader.inputs["Subsurface Weight"].default_value = surface.subsurface
        shader.inputs["Subsurface Radius"].default_value = (0.012, 0.005, 0.003)  # metres in skin, red deepest
        shader.inputs["Subsurface Scale"].default_value = 1.0
    if surface.height is not None:
        bump = tree.nodes.new("ShaderNodeBump")
        bump.inputs["Distance"].default_value = surface.bump_m
        height = _image_node(bpy, tree, surface.height, surface.height_repeats)
        tree.links.new(height.outputs["Color"], bump.inputs["Height"])
        tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return material


def _image_node(bpy: Any, tree: Any, pixels: NDArray[np.float32], repeats: float) -> Any:
    """An image texture node over the mesh's UV map, repeated; `pixels` (h, w, 3) or (h, w) are linear."""
    node, mapping, uv = (
        tree.nodes.new(kind) for kind in ("ShaderNodeTexImage", "ShaderNodeMapping", "ShaderNodeUVMap")
    )
    node.image = _image(bpy, pixels)
    mapping.inputs["Scale"].default_value = (repeats, repeats, repeats)
    tree.links.new(uv.outputs["UV"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], node.inputs["Vector"])
    return node


def _image(bpy: Any, pixels: NDArray[np.float32]) -> Any:
    """A Blender image of `pixels`; if they are read-only it is kept for the next scenes."""
    if id(pixels) in _lasting_images:
        return bpy.data.images[_lasting_images[id(pixels)][1]]
    height, width = pixels.shape[:2]
    lasting = not pixels.flags.writeable
    image = bpy.data.images.new("lasting" if lasting else "texture", width, height, alpha=False, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    rgba = np.ones((height, width, 4), dtype=np.float32)
    for channel in range(3):  # three times faster than all at once; Blender's rows start at the bottom
        rgba[..., channel] = pixels[::-1] if pixels.ndim == 2 else pixels[::-1, :, channel]
    image.pixels.foreach_set(rgba.ravel())
    image.update()
    if lasting:
        _lasting_images[id(pixels)] = pixels, image.name
    return image
