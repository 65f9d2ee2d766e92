"""What is in an image, as plain values and geometry: people, things, lights and the camera. Needs no Blender.

In reading order: `params.py` (section `render`), `spec.py` (the description, drawn from (seed, index)), `camera.py`,
`lens.py`, `lamps.py`, `surroundings.py` and `props.py` (its parts), `stance.py` and `layout.py` (from the description
to geometry), `rays.py` (what the camera sees first). `pose_views.py` looks at every pose from around and says how rare
it is among real people; with that `pose_odds.py` draws rare ones more. Adding something to scenes: draw it after
everything else in `spec.py`, so that earlier draws stay the same.
"""
