"""What a bundle carries for the device, run there by itself: nothing here imports dataengine or is imported by it.

Read `run.py` first (pictures and boxes to joints, and `--check`), then `networks.py` (the runtimes), `crops.py` (for
those that take crops), and `build_engine.py` (TensorRT on a Jetson). They must run on a bare Python with the packages
of one requirements file. Adding a file: name it in `bundle_folder.SCRIPTS`. Adding a runtime: a function in
`networks.py`, and see `edge/runtimes.py`.
"""
