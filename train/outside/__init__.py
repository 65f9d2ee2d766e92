"""Networks that are not ours: how one is fed and read is found out by trial on labelled people.

In reading order: `candidates.py` (the contracts that fit the graph's shapes), `orders.py` (public orders of joints),
`evidence.py` (the OKS of a trial, and which of several options is taken), `search.py` (one coordinate of the contract
after the other), `findings.py` (what came out, in words). `dataengine adopt` runs the search; what it found is read in
the kernel (`dataengine/adopted`). BlazePose, a TFLite file, has a reader of its own there (`dataengine/blazepose`).

Adding a convention: a line in the table of `candidates.py` that lists its like, where it is published, before the
others that it may be taken for.
"""
