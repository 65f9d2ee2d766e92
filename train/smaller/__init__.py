"""Networks made smaller: channels removed, fitted again, and what each step costs and brings.

In reading order: `params.py`, `removing.py` (structured pruning, and weights set to zero), `refitting.py` (from a
student to a checkpoint with that share of its products), `measuring.py` (size, time and AP of each), `page.py`.
"""
