"""Label mistakes, joint by joint: which people's labels the picture, other networks and geometry contradict.

In reading order: `params.py`; `hypotheses.py` (what may be wrong, as places that a joint may have); `folds.py` and
`outsiders.py` (who is asked: networks that have not seen the person, and networks that are not ours), both as a
`Witness` of `witness.py`; `geometry.py` (limbs and rare poses); `odds.py` (how all of it becomes one log odds);
`exchanges.py`, `misplaced.py`, `flags.py`, `unlabelled.py` (the kinds); `verdicts.py` (a probability for each kind and
person); `search.py` (all of it in order). Adding evidence: a `Witness`, or a column where `exchanges.py` and
`misplaced.py` gather theirs. Adding a kind: log odds in a file of its own and a line in `verdicts.py`.
"""
