"""Pictures as files: one way to read them and one to write them, for checks, hashes, pages, training and inference.

`reading/` decodes, `encoding.py` writes, `stated_sizes.py` judges the size that a label file states.
Images are BGR uint8 (OpenCV's order) and upright. What becomes of each kind of picture: the table in
`docs/data.md`. No other file opens a picture with OpenCV or Pillow.
"""
