"""Networks that are not ours, asked for the people of a labelled set so that our figures stand next to theirs.

`movenet.py` reads MoveNet's ONNX file. BlazePose is the kernel's (`dataengine/blazepose`). Adding one: a function from
`People` in boxes to `People` with its joints and scores, and an option of `dataengine score`.
"""
