"""What this machine can do and what is used of it.

Read `precision` first: which number format a fit multiplies in, by instruction set and by measurement. `threads` sets
how OpenMP's threads wait for work, and how many threads make crops next to a network that is being fitted.
"""
