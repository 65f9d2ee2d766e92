"""Label mistakes: what geometry says about them, and the file that names the likely ones.

`limb_lengths.py` measures bones against the rest of the body, `side_odds.py` how likely sides are exchanged. Adding
another measure of geometry: a function of `People` here, for the checks of a set and for `find-mistakes` alike.
"""
