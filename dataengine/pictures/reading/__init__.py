"""The one decoder. Everything else calls `decoding.py`.

In reading order: `orientation.py` (EXIF's eight ways to lie on a side), `header.py` (format and upright size, nothing
decoded), `samples.py` (16-bit values to 8), `jpeg.py` and `other_formats.py` (pixels), `decoding.py`.
"""
