"""Labels from several calibrated, synchronised cameras.

In reading order: `label_views.py` (detect, triangulate, project back), `reprojection_picture.py` (how well it fits).
Calibration files and robust triangulation are in `dataengine.multiview`.
"""
