"""How well two annotators of the same people agree.

Read `pairing.py` (who is the same person in both), `agreement.py` (per joint: sigma, gross errors, flags), `page.py`.
"""
