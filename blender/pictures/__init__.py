"""One image from its index: described, built, observed and annotated.

In reading order: `maker.py` (does all of it in a worker), `ground_truth.py` (visibility, masks and boxes from what was
observed), `in_sight.py` (whether anybody can be seen), `depth_observer.py` (the same image with Blender's own depth and
projection, for `check-renders`). Adding a label: derive it in `ground_truth.py` and assemble it in `batch/records.py`.
"""
