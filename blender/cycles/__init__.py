"""Everything that talks to Blender; no other sub-package imports `bpy`.

In reading order: `process.py` (loading Blender and keeping it quiet), `device.py` (CPU or GPU), `materials.py`,
`observe.py` (renders meshes and says which instance each pixel shows), `depth_observer.py` (what Blender itself says of
joints, for `check-renders`). Adding a light, a surface or a pass: here, from plain values that `scene/` draws.
"""
