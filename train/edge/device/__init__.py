"""What a bundle carries for the device, run there by itself: nothing here imports dataengine or is imported by it.

Read `run.py` first (pictures and boxes to joints, and `--check`), then `build_engine.py` (TensorRT on a Jetson).
Both must run on a bare Python with the packages of `requirements.txt`. Adding a file: name it in
`bundle_folder.DEVICE_FILES`.
"""
