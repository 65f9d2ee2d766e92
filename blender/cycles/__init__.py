"""Everything that talks to Blender; no other sub-package imports `bpy`.

In reading order: `process.py` (loads Blender and keeps it quiet), `device.py` (CPU or GPU), `materials.py`, `lamps.py`,
`blur.py` (depth of field and motion blur), `observe.py` (renders meshes and reports which instance each pixel shows),
`depth.py` (Blender's own depth and projection of joints, for `check-renders`). Adding a light, a surface or a pass: it
belongs here, made from plain values that `scene/` draws.
"""
