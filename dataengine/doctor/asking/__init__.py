"""What may be slow, hang or crash, asked in a process of its own with a time limit.

Read `programs.py` (asking a program; a crash or a hang is an answer), then `ask_torch.py`, `ask_precision.py`,
`ask_library.py` and `ask_blender.py`, each run as a program that prints one line of JSON. Adding one: a module that
prints its record, and a call in `questions.py`.
"""
