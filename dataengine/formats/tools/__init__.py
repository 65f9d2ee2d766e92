"""Formats of annotation tools, which people's labels go out in and come back in.

Read `cvat.py` (CVAT's XML, in), `cvat_writing.py` (out) and `cvat_labels.py` (the labels that CVAT has to be told of),
`label_studio.py` and `label_studio_writing.py`. `xml_files.py` reads XML that nobody need trust, `archives.py` unpacks
zips.

Tools draw a picture's first pixel from 0 to 1, so a joint on its centre has 0.5 there and 0 in COCO's numbers
(`dataengine.geometry.pixel_grid`): readers and writers pass between the two.
"""
