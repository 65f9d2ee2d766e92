"""The two virtual environments, and the set-up that makes them.

`machine_setup.py` is what `make setup` runs, `virtual_environment.py` and `blender_environment.py` are its two parts.
They run before anything is installed, so they use the standard library alone. Adding a step to set-up: a function that
does nothing where its work is done, called by `machine_setup.main`.
"""
