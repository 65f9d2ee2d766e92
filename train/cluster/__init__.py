"""An export for engines that serve clusters: a model repository of NVIDIA Triton, and manifests that run it.

In reading order: `params.py`, `repository.py` (the ensemble: cropping, network, decoding, each an ONNX graph),
`pbtxt.py` (how Triton's configurations are written), `manifests.py` (Kubernetes and KServe), `deploy.py` (the command).

Adding a manifest: a function in `manifests.py` and a line in `MANIFESTS`.
"""
