"""Simulations and studies of training: `gate_trials.py` for `simulate-gate`, `rounds/` for `compare-rounds`.

What all studies share lies in `dataengine.studies`, which says how to add one.
"""
