"""Pictures as files: one way to read them and one to write them, for checks, hashes, pages, training and inference.

In reading order: `orientation.py` (EXIF's eight ways to lie on a side), `header.py` (format and upright size, nothing
decoded), `samples.py` (16-bit values to 8), `jpeg.py` and `other_formats.py` (pixels), `decoding.py` (what the rest of
the code calls), `encoding.py` (writing). Images are BGR uint8 (OpenCV's order) and upright. What becomes of each kind
of picture: the table in `docs/data.md`. No other file opens a picture with OpenCV or Pillow.
"""
