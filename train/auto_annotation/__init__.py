"""An exported model as an auto-annotation function of CVAT.

Read `function.py`, what CVAT calls for each picture, then `skeletons.py`, its answers in cvat-sdk's classes, and
`function_file.py`, the file that cvat-cli is given.
"""
