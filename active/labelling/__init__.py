"""Labels out to people and back: what went out, what they answered, what they touched, how well they label.

Read `sent.py` (the record of what `label-export` sent), `for_tools.py` (the formats it goes out in), `tool_file.py`
(what a tool wrote), `answers.py` (what annotators say in it), `foreign.py`, `repeats.py` and `returned.py` (what is not
used, and how that is listed), `untouched.py` (joints left where the model put them, and what is done about it),
`gold.py` (frames with known truth), then `label_file.py` (what is kept) and `told.py` (what is said of it). Adding a
tool: see `for_tools.py` and `tool_file.py`.
"""
