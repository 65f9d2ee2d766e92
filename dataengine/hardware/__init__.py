"""What this machine has and what is used of it.

In reading order: `machine.py` (processor, cores, disk), `memory.py` and `control_groups.py` (what a container or a
batch system leaves), `gpus.py` (CUDA devices), `precision.py` (which number format a fit multiplies in, by instruction
set and by measurement), `threads.py` (how threads wait, and where). Only `precision.py` imports torch with the module.
Adding a fact: a parser that takes text, so that it is tested with texts of other machines, and a function that reads it
here.
"""
