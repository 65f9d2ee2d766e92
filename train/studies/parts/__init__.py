"""Parts of today's recipes, each measured alone against the fit as it is.

`plan.py` names them, `runner.py` fits them, `measure.py` says what each is worth, `page.py` writes that up.
"""
