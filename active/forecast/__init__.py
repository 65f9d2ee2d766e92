"""What more labels will buy: a forecast of AP, with an interval, from the rounds so far.

In reading order: `learning_curve.py` (numbers in, numbers out), `past_rounds.py` (labels and AP of the models in the
registry), `before_labelling.py` (the line that a person reads before the work begins).
"""
