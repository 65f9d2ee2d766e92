"""Trust in teachers' joints, learned from labelled people: how likely a joint is right, and which ones to accept.

- `conformal.py`: from which score on accepted joints are right as often as asked, with a stated confidence.
- `evidence.py`: what a teacher's answer says about each joint, as numbers.
- `logistic.py`: numbers to a probability, by a logistic regression that is kept as plain numbers.
- `fusion.py`: several teachers' answers to one place, and who vouches for it.
- `known_people.py`: labelled people paired with those that were found, and which joints are right.
- `learning.py`: all of it learned on labelled people, each group scored by what was learned on the others.
- `rule.py`: the `TrustRule` that comes out, in memory and as a file.
- `judging.py`: the rule applied to people without labels.
- `figures.py`: reliability, precision and coverage.

Adding a sign of trust: a column in `evidence.py`; everything else follows.
"""
