"""Parts of today's recipes, each measured alone against the fit as it is.

`plan.py` names them, `page.py` writes up what they gain.
"""
