"""What a fit learns from its validation people about its own answers.

`joint_curves.py` says what a joint's confidence is worth, `expected_oks.py` how a person is scored.
"""
