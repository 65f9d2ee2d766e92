"""Which of the candidates to ask about: from scores and embeddings to rows.

In reading order: `strategies.py` (the table, the simple rules and their shared signature), `distances.py` (exact
distances in blocks), `pool_sample.py` (a pool too large for pairs), `coverage.py` (what a pick covers) and `herding.py`
(the default), `gradient_picks.py` (BADGE), `typicality.py` (TypiClust), `spread_out.py` (neighbours in time, films).
Adding a strategy: a function ``(scores, embeddings, n, rng) -> indices`` in a file of its own and a line in the table.
"""
