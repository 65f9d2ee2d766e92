"""Labels out to people and back: what went out, what they answered, what they touched, how well they label.

Read `sent.py` (the record of what `label-export` sent), `answers.py` (what a tool's file says), `untouched.py` (joints
left where the model put them, and what is done about it), `gold.py` (frames with known truth), then `label_file.py`
(what is kept). Adding a tool's format: a function that returns `AnnotatorAnswers`, next to `coco_answers`.
"""
