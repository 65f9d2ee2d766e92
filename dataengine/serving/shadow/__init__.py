"""The shadow: a candidate answers what the champion answered, and people on whom the two differ are kept.

In reading order: `params.py`, `opening.py`, `asking.py` (the queue and the thread), `answers.py`, `differing.py` (OKS
between two answers), `keeping.py` (what is kept, and what is too much), `faces.py` (blurred heads), `folder.py` (what
lies in the folder, written and read), `figures.py` (how often the two agree). Adding a reason to keep somebody: in
`differing.py`.

`ingest` (format `shadow`), `request` and `compare --shadow` read the folder by `folder.read_disagreements` and
`figures.read_agreement`.
"""
