"""Renders meshes with Cycles and reports which instance each pixel shows.

`observe` builds the Blender scene from plain arrays, renders it, reads the instance of every pixel and casts a ray to
every joint. Facts that cost hours to find out:

- the world's importance map must be set to 256 by hand, or building it takes longer than the render;
- the denoiser runs FAST and without prefilter; noise shaders are replaced by baked images;
- passes are read from an EXR file in shared memory: the compositor's Viewer node stays empty in the bpy module;
- PNG files written by Blender carry the date, so the pixels are read back and the caller writes the file.

It raises `EnvironmentFault` if bpy is missing.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataengine.errors import EnvironmentFault

from ..geometry.mesh import Mesh
from ..scene.camera import SENSOR_MM, Camera
from ..scene.lamps import Lamp
from ..scene.lens import SHARP, Lens
from ..scene.params import DeviceWish
from ..scene.rays import first_hits
from .blur import blur, sharpen
from .device import cycles_preferences, use_device
from .lamps import add_lamps
from .materials import forget_lasting_images, lasting_image_names, make_material
from .process import import_bpy, silent_stdout

_BLENDER_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])  # Blender's cameras look along -z with y up
_IMPORTANCE_MAP_PX = 256
_CYCLES_TIME = "cycles.ViewLayer.total_time"
_OUR_SCENE = "dataengine"  # the mark on a scene that this module has set up


@dataclass(frozen=True)
class Light:
    """An HDRI around the scene, by its name in Blender's wheel (CC0) or as a file, and lamps."""

    hdri: str
    turn_rad: float
    strength: float
    exposure_ev: float
    lamps: tuple[Lamp, ...] = ()


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of rays from the camera towards n targets."""

    mesh: NDArray[np.int64]  # (n,) index of the mesh that is hit before the target, -1 for none
    rest_m: NDArray[np.float64]  # (n, 3) the hit on the resting body, NaN where no person is hit


@dataclass(frozen=True, eq=False)
class Observation:
    """One rendered image and its ground truth."""

    image_bgr: NDArray[np.uint8]  # (h, w, 3)
    instance: NDArray[np.int32]  # (h, w) 0 for things, 1.. for people
    hits: Hits
    cycles_s: float  # time of Cycles itself: syncing the scene and rendering it


def observe(
    meshes: Sequence[Mesh],
    camera: Camera,
    light: Light,
    targets_m: NDArray[np.float64],
    *,
    samples: int,
    device: DeviceWish = "cpu",
    lens: Lens = SHARP,
    backdrop_bgr: NDArray[np.uint8] | None = None,
) -> Observation:
    """Render `meshes` with one thread and cast a ray to each of `targets_m` (n, 3). Same input, same pixels.

    `device` is one that `resolve_device` returned. With a backdrop (h, w, 3) behind everything, only shadows are seen
    of the floor. The image is blurred as `lens` says; masks and rays are sharp.
    """
    bpy = import_bpy()
    scene = _empty_scene(bpy)
    _set_up_cycles(scene, camera, samples, light.exposure_ev)
    use_device(cycles_preferences(bpy), scene.cycles, device)
    _set_up_world(bpy, scene, light)
    _set_up_camera(bpy, scene, camera)
    add_lamps(bpy, scene, light.lamps)
    objects = [_add_mesh(bpy, scene, mesh) for mesh in meshes]
    _set_up_backdrop(scene, objects, backdrop_bgr is not None)
    with tempfile.TemporaryDirectory(dir=_memory_folder()) as folder:
        _add_instance_output(scene, folder)
        if not lens.is_sharp:
            blur(scene, [made for made, mesh in zip(objects, meshes, strict=True) if mesh.instance], lens)
        scene.render.filepath = str(Path(folder) / "image.png")
        with silent_stdout():
            bpy.ops.render.render(write_still=True)
        image, cycles_s = _read_image(Path(folder) / "image.png", backdrop_bgr)
        if not lens.is_sharp:
            _render_sharp(bpy, scene)
        instance = _read_instance(bpy, Path(folder))
    return Observation(image, instance, _cast(meshes, camera, targets_m), cycles_s)


def _empty_scene(bpy: Any) -> Any:
    """The scene without anything of the previous image. Clearing it takes a tenth of the time of factory settings."""
    scene, data = bpy.context.scene, bpy.data
    if _OUR_SCENE not in scene:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        forget_lasting_images()
        scene = bpy.context.scene
        scene[_OUR_SCENE] = True
        return scene
    scene.world = None
    keep = lasting_image_names() | {"Render Result"}
    made = [image for image in data.images if image.name not in keep]
    shown = [*data.objects, *data.meshes, *data.cameras, *data.worlds, *data.lights, *data.actions, *data.materials]
    data.batch_remove([*shown, *made])
    return scene


def _memory_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - private sub-folders only


def _set_up_cycles(scene: Any, camera: Camera, samples: int, exposure_ev: float) -> None:
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples = samples
    cycles.seed = 0
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_quality = "FAST"
    cycles.denoising_prefilter = "NONE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = camera.width_px, camera.height_px, 100
    render.threads_mode, render.threads = "FIXED", 1
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    render.image_settings.compression = 0  # it is read back at once
    render.use_motion_blur = False
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.exposure = exposure_ev


def _set_up_world(bpy: Any, scene: Any, light: Light) -> None:
    world = scene.world = bpy.data.worlds.new("world")
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = _IMPORTANCE_MAP_PX
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    coordinates, mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    environment, background = nodes.new("ShaderNodeTexEnvironment"), nodes.new("ShaderNodeBackground")
    output = nodes.new("ShaderNodeOutputWorld")
    folder = Path(bpy.utils.system_resource("DATAFILES")) / "studiolights" / "world"
    own = Path(light.hdri)
    environment.image = bpy.data.images.load(str(own.resolve() if own.suffix else folder / f"{light.hdri}.exr"))
    if own.suffix and not min(environment.image.size):  # Blender would silently light the scene in magenta
        raise EnvironmentFault(
            f"render.hdris: {own}", expected="a complete HDRI", got="a file that Blender cannot read"
        )
    mapping.inputs["Rotation"].default_value[2] = light.turn_rad
    background.inputs["Strength"].default_value = light.strength
    links.new(coordinates.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], environment.inputs["Vector"])
    links.new(environment.outputs["Color"], background.inputs["Color"])
    links.new(background.outputs["Background"], output.inputs["Surface"])


def _set_up_camera(bpy: Any, scene: Any, camera: Camera) -> None:
    import mathutils

    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_fit = camera.focal_mm, SENSOR_MM, "AUTO"
    data.clip_start, data.clip_end = 0.05, 500.0
    scene.camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(scene.camera)
    scene.camera.matrix_world = mathutils.Matrix(np.linalg.inv(camera.cam_from_world) @ _BLENDER_FROM_CV)


def _set_up_backdrop(scene: Any, objects: Sequence[Any], is_there: bool) -> None:
    """With a backdrop, make the sky transparent and let the floor show nothing but shadows."""
    scene.render.film_transparent = is_there
    scene.render.image_settings.color_mode = "RGBA" if is_there else "RGB"
    for made in objects:
        made.is_shadow_catcher = is_there and made.name.startswith("floor")


def _render_sharp(bpy: Any, scene: Any) -> None:
    """Render the passes again without blur: one sample, no lights and no surfaces, in a quarter of the time."""
    sharpen(scene)
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.world = None
    for made in scene.objects:
        made.hide_render = made.type == "LIGHT"
        if made.type == "MESH":
            made.data.materials.clear()
    with silent_stdout():
        bpy.ops.render.render(write_still=False)


def _add_mesh(bpy: Any, scene: Any, mesh: Mesh) -> Any:
    data = bpy.data.meshes.new(mesh.name)
    data.vertices.add(len(mesh.vertices_m))
    data.vertices.foreach_set("co", mesh.vertices_m.astype(np.float32).ravel())
    data.loops.add(mesh.quads.size)
    data.attributes[".corner_vert"].data.foreach_set("value", mesh.quads.ravel())  # loops.foreach_set takes 5 ms
    data.polygons.add(len(mesh.quads))
    data.polygons.foreach_set("loop_start", np.arange(0, mesh.quads.size, 4, dtype=np.int32))
    data.attributes.new("material_index", "INT", "FACE").data.foreach_set("value", mesh.surface_of_quad)
    if mesh.instance == 0:
        data.shade_flat()
    data.uv_layers.new(name="uv").uv.foreach_set("vector", mesh.corner_uv.ravel())
    data.update(calc_edges=True)
    for surface in mesh.surfaces:
        data.materials.append(make_material(bpy, surface))
    made = bpy.data.objects.new(mesh.name, data)
    made.pass_index = mesh.instance
    scene.collection.objects.link(made)
    return made


def _add_instance_output(scene: Any, folder: str) -> None:
    """Let the compositor write the object index of every pixel into `folder` as a float EXR."""
    scene.view_layers[0].use_pass_object_index = True
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers, composite = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeComposite")
    tree.links.new(layers.outputs["Image"], composite.inputs["Image"])
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.base_path = folder
    output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
    output.format.exr_codec = "NONE"
    output.file_slots.clear()
    output.file_slots.new("instance")
    tree.links.new(layers.outputs["IndexOB"], output.inputs[0])


def _read_image(path: Path, backdrop_bgr: NDArray[np.uint8] | None) -> tuple[NDArray[np.uint8], float]:
    """The image (h, w, 3) in BGR in front of the backdrop, and the seconds that Cycles notes in the file."""
    try:
        with Image.open(path) as opened:
            rgba = np.asarray(opened.convert("RGBA"), dtype=np.uint8)
            minutes, seconds = opened.info[_CYCLES_TIME].rsplit(":", 1)
    except OSError as error:
        fix = "check memory and free space"
        raise EnvironmentFault("Blender wrote no image", got=str(path), fix=fix) from error
    bgr = np.ascontiguousarray(rgba[..., 2::-1])
    if backdrop_bgr is not None:
        alpha = rgba[..., 3:] / np.float32(255)
        bgr = np.round(bgr * alpha + backdrop_bgr * (1 - alpha)).astype(np.uint8)
    return bgr, 60 * _minutes(minutes) + float(seconds)


def _minutes(text: str) -> int:
    """Minutes in a text ``MM`` or ``HH:MM``."""
    *hours, minutes = map(int, text.split(":"))
    return 60 * sum(hours) + minutes


def _read_instance(bpy: Any, folder: Path) -> NDArray[np.int32]:
    image = bpy.data.images.load(str(next(folder.glob("instance*.exr"))))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return np.round(pixels.reshape(height, width, -1)[::-1, :, 0]).astype(np.int32)


def _cast(meshes: Sequence[Mesh], camera: Camera, targets_m: NDArray[np.float64]) -> Hits:
    """First hit on the way from the camera to each target."""
    found = first_hits(meshes, camera, targets_m)
    rest = np.full(targets_m.shape, np.nan)
    for row in np.flatnonzero(found.mesh >= 0):
        mesh = meshes[found.mesh[row]]
        if mesh.rest_m is not None:
            rest[row] = _rest_of_hit(mesh, found.quad[row], found.place_m[row])
    return Hits(found.mesh, rest)


def _rest_of_hit(mesh: Mesh, quad: int, place_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where on the resting body the hit lies: the quad's corners weighted by nearness."""
    corners = mesh.quads[quad]
    weight = 1 / (np.linalg.norm(mesh.vertices_m[corners] - place_m, axis=1) + 1e-6)
    assert mesh.rest_m is not None
    return np.asarray(weight @ mesh.rest_m[corners] / weight.sum(), dtype=np.float64)
