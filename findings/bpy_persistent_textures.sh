#!/usr/bin/env bash
# bpy 4.5.15: Cycles renders another picture than the image holds: with use_persistent_data the one before, and never pixels
#   that were written into an image that came from a file.
#
# Expected: a render shows the scene as it is when it starts. With use_persistent_data, which keeps data between renders
#   to save time, what has changed is found and sent again, as it is for colours, meshes, shape keys, lamps, the
#   world, the camera, an image's path or its colour space.
# Seen: the pixels of an image are not looked at. After image.pixels.foreach_set (with or without update(), update_tag() and
#   pack()), and after reload() of a file that was written anew, the second render has the first one's texture, on a
#   body as in the world's environment, while image.pixels holds the new one. And with or without it, pixels written
#   into an image that was loaded from a file are not rendered at all, until it is packed: Cycles reads the file.
# Why it matters: a loop over one scene that puts a new skin, cloth or background into the same image, with the switch that
#   everyone sets to render faster, renders one texture a thousand times and writes a manifest of a thousand. Assigning
#   another image to the node is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip numpy==1.26.4 requests cython zstandard
pip --no-deps bpy==4.5.15

cat >"$work/measure.py" <<'PY'
import os
import shutil
import sys

import bpy
import numpy as np

WORK = sys.argv[1]
SIDE = 16
RED, GREEN = (1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)


def plain(image, colour):
    image.pixels.foreach_set(np.tile(colour, 16).astype(np.float32))


def new_image(name, colour):
    image = bpy.data.images.new(name, 4, 4)
    plain(image, colour)
    image.update()
    return image


def file_of(name, colour):
    image = new_image(name, colour)
    image.filepath_raw, image.file_format = f"{WORK}/{name}.png", "PNG"
    image.save()
    bpy.data.images.remove(image)
    return f"{WORK}/{name}.png"


def scene_with(image, place):
    """The image's node, which lights a card before the camera or the world behind it."""
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = f"{WORK}/render.exr"
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.location = (0, 0, 3)
    if place == "world":
        tree, kind = scene.world.node_tree, "ShaderNodeTexEnvironment"
        target = tree.nodes["Background"].inputs["Color"]
    else:
        bpy.ops.mesh.primitive_plane_add(size=8)
        material = bpy.data.materials.new("card")
        material.use_nodes = True
        bpy.context.object.data.materials.append(material)
        tree, kind = material.node_tree, "ShaderNodeTexImage"
        light = tree.nodes.new("ShaderNodeEmission")
        tree.links.new(light.outputs["Emission"], tree.nodes["Material Output"].inputs["Surface"])
        target = light.inputs["Color"]
    node = tree.nodes.new(kind)
    node.image = image
    tree.links.new(node.outputs["Color"], target)
    return node


def rendered():
    """The name of the colour that a render has."""
    silence, keep = os.open(os.devnull, os.O_WRONLY), os.dup(1)
    os.dup2(silence, 1)
    bpy.ops.render.render(write_still=True)
    os.dup2(keep, 1)
    picture = bpy.data.images.load(f"{WORK}/render.exr", check_existing=False)
    colour = np.array(picture.pixels[:]).reshape(-1, 4)[:, :3].mean(0)
    bpy.data.images.remove(picture)
    return ("red", "green", "blue")[int(colour.argmax())] if colour.max() > 0.2 else "black"


def overwritten(node):
    shutil.copy(f"{WORK}/green.png", f"{WORK}/texture.png")
    node.image.reload()


def written(node):
    plain(node.image, GREEN)
    node.image.update()
    node.image.update_tag()


def packed(node):
    plain(node.image, GREEN)
    node.image.pack()


def other_path(node):
    node.image.filepath = f"{WORK}/green.png"


def other_image(node):
    node.image = new_image("another", GREEN)


# where the image is from, what is done to it, and the second render without and with use_persistent_data
CASES = (
    ("memory", written, "green", "red"),
    ("memory", packed, "green", "red"),
    ("memory", other_image, "green", "green"),
    ("file", overwritten, "green", "red"),
    ("file", packed, "green", "red"),
    ("file", written, "red", "red"),
    ("file", other_path, "green", "green"),
    ("file", other_image, "green", "green"),
)
print(f"bpy {bpy.app.version_string}: red is rendered, the image made green in some way, and rendered again")
for place in ("card", "world"):
    for origin, change, *wanted in CASES if place == "card" else CASES[:4]:
        seen = []
        for persistent in (False, True):
            bpy.ops.wm.read_factory_settings(use_empty=True)
            file_of("green", GREEN)
            image = bpy.data.images.load(file_of("texture", RED)) if origin == "file" else new_image("texture", RED)
            node = scene_with(image, place)
            bpy.context.scene.render.use_persistent_data = persistent
            assert rendered() == "red", "the first render"
            change(node)
            held = np.array(node.image.pixels[:4])[:2].argmax()
            assert held == 1, "the image is not green"
            seen.append(rendered())
        print(f"  {place}, image from {origin}, {change.__name__}: afresh {seen[0]}, persistent {seen[1]}")
        assert seen == wanted, "changed"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
