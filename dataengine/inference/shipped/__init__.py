"""Exported models opened: the ways to run their files here, best first.

In reading order: `runners.py` (the table, and the choice), `engine_runner.py` (TensorRT engines), `engine_library.py`
(which of NVIDIA's libraries, for which GPUs). Adding a runner: see `runners.py`.
"""
