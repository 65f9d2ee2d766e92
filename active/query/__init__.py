"""Which images to ask a person about: from people to scores, distances and picks.

In reading order: `reading.py` (labelled and unlabelled people), `scoring.py` (the student's answers),
`uncertainty.py` (how unsure it is), `embeddings.py` (distances between people), `strategies.py` (which people to ask
about), `picking.py` (from people to images). Adding a score: a function in `uncertainty.py` and a weight in its table.
Adding a strategy: a function ``(scores, embeddings, n, rng) -> indices`` in `strategies.py` and a line in its table.
"""
