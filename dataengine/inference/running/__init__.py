"""Prediction: keypoint networks run on people, in a stream.

Pseudo-labelling, selection, comparison, export and the studies all predict here. Pictures are decoded and cropped in a
few threads ahead of the network, batches go through the network one behind the other, and joints are written into
their place as they come, so memory does not grow with the set beyond the results themselves.

In reading order:

- `predict.py`: the functions that everyone calls, `predict_people` first.
- `prediction.py`: what they return, and the arrays that batches are written into.
- `crop_stream.py`: pictures to batches of crops, in threads, through a few buffers.
- `sessions.py`: crops of a batch to joints: what is asked of a batch, what comes back, and how any runner is asked.
- `runners.py`: the runners: PyTorch, ONNX Runtime, a checkpoint folder.
- `devices.py`: which device and which precision, and how that is said.
- `torch_session.py`, `device_reading.py`, `decoders.py`: PyTorch from uint8 crops to joints without leaving the device.
- `cuda_graphs.py`: batches of fixed sizes replayed as CUDA graphs.

Adding a runner: write a function that returns a `sessions.Runner`, a callable from normalised images (b, 3, H, W) to
the tensors of the network's head; normalisation, mirroring and decoding are then done for it on the CPU. A runner that
can do these on its own device also has a method ``session(meta, asked, batch)`` that returns a `sessions.Session`.
"""
