"""Keypoint networks run on people, whatever executes them, and the files in which a model ships.

- `running/`: people in pictures to predicted joints, in a stream; its `predict.py` is what everyone calls.
- `held_crops.py`: labelled people whose crops are looked at again and again, held in memory where they are few.
- `exported.py`: a model that ships: its files and their sidecar.
- `choose_runner.py`: the first runner that really runs a batch here; `onnx_cuda.py`, `torch_cuda.py`: two of them.
- `cpu_file.py`: which file a CPU should run.
"""
