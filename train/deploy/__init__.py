"""From a checkpoint to the files that ship, and what each of them loses.

In reading order: `onnx_files.py` (FP32 and FP16), `quantise.py` (INT8), `tensorrt_build.py` (the engine), `accuracy.py`
(each file against PyTorch). Adding a precision: write it in `export.py`, measure it as the others, give it a limit.
"""
