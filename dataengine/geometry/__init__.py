"""Where things lie in images: the one convention of pixel coordinates, and cameras that project into them.

Files: `pixel_grid.py` the convention and its formulas, to read first; `cameras.py` pinhole cameras and distortion.
"""
