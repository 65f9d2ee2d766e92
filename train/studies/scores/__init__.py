"""Ways to score a person, compared on the same answers of one network.

Order: `rules.py` (the scores), `measure.py` (what each is worth).
"""
