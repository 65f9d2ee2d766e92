"""The virtual environments that set-up makes.

Runs before anything is installed, so it uses the standard library alone.
"""
