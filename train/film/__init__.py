"""Films labelled as they are read: memory does not grow with their length, and work that was stopped goes on.

- `label_film.py`: one film from its first frame to `labels.json`; everything else is a part of it.
- `choices.py`: what the command's options choose.
- `locating.py`: boxes and track ids of every frame from detections of every few.
- `teachers.py`: networks and BlazePose, and their opinions of people.
- `estimating.py`: frames to chunks with those opinions.
- `chunks.py`: the answers about a few frames, and how they are put together and kept.
- `following.py`: track ids by association on keypoints, where that is chosen.
- `judging.py`: one chunk judged with those before and after it.
- `journal.py`: what is written while a film runs, and from where it goes on.
- `film_work.py`: films as items of a parallel map, for many of them on many machines.
- `overlay.py`: the film again, with who was accepted drawn into it.

Detectors, and how people and films are written, are in `dataengine.films`. Adding a teacher: a class with the methods
of `teachers.FilmTeacher`.
"""
