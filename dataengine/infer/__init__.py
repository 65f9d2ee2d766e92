"""A model run on films, pictures and cameras: the command `infer`, and `load_model` for Python.

In reading order:

- `infer.py`: the command; `running.py`: one source from its first picture to the files.
- `shown.py`: what flows: a picture with its detections, then with its people.
- `sources.py`: a film, a folder, one picture, a camera.
- `models.py`: whatever is named as a model, opened.
- `detecting.py`: who asks the detector about which pictures.
- `following.py`: boxes and track ids in the pictures that the detector is not asked about.
- `estimating.py`: pictures to people with joints, a few pictures at a time; `side_by_side.py`: threads that share them.
- `lines.py`: threads that work ahead of each other, through lines of bounded length.
- `sinks.py`: what is written; `step_times.py`: how long each step took.
- `api.py`: `load_model` and what it returns.

Adding a source: a class with the fields of `sources.Source`, and its case in `open_source`. Adding a kind of model: its
case in `models.open_model`. Adding an output: a class with the methods of `sinks.Sink`.
"""
