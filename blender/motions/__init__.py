"""People in motion as joints in space, without a picture: what a lifter is fitted on.

`moving_joints.py` computes a body's joints in many poses at once, without its mesh; `performed.py` lets people perform
as they do in clips. Adding a kind of motion: in `clips/spec.py`, whose performers both follow.
"""
