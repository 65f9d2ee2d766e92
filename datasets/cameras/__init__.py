"""Labels from several calibrated, synchronised cameras.

In reading order: `qualisys.py` (calibration files), `triangulation.py` (robust 3D joints), `label_views.py` (detect,
triangulate, project back), `reprojection_picture.py` (how well it fits). Adding a calibration format: a reader that
returns the cameras of `qualisys.py`.
"""
