"""What a step of a fit is made of, whatever is fitted.

`batch.py` (a batch on the device) and `optimizer.py` first; `ranks.py` (several processes); `graph.py` (a step that a
GPU records), `guard.py` (a loss that is not finite), `memory.py` (a batch too large). Nothing here knows the params of
a fit.
"""
