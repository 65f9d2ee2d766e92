"""What a round's failures ask of the next one: the parts of the command `request`.

In reading order: `need.py` (what a source asks for), the sources `gate.py` with `verdict_figures.py`, `clusters.py`,
`shadow.py` and `by_hand.py`, then `parts.py` (who belongs to a slice), `shown_people.py` (whose poses may be examples),
`budget.py` (who gets how much), `brought.py` (what came of it), `request_params.py`, and `label_shares.py`, by which
`select` follows open requests. Adding a source: a function that yields `Need`s, called in `active/request.py`, and its
name in `Asker`.
"""
