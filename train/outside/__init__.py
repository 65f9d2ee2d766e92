"""Networks that are not ours: how one is fed and read is found out by trial on labelled people.

In reading order: `feeds.py` and `forms.py` (the contracts that fit the graph's shapes), `orders.py` (public orders of
joints), `trials.py` (the network shown to people), `evidence.py` (the OKS of a trial, and which of several options is
taken), `search.py` (one coordinate of the contract after the other), `findings.py` (what came out, in words).
`dataengine adopt` runs the search; what it found is read in the kernel (`dataengine/adopted`). BlazePose, a TFLite
file, has a reader of its own there (`dataengine/blazepose`).

Adding a convention: a line in the table of `feeds.py` or `forms.py` that lists its like, before what is less common.
"""
