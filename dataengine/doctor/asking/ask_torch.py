"""What PyTorch has here; its own process. Prints one JSON object."""

import json
from dataclasses import asdict
from typing import Any


def describe() -> dict[str, Any]:
    """Version, the CUDA it was built for, and the CUDA devices it can use."""
    import torch

    from dataengine.hardware.gpus import torch_gpus

    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda or "",
        "gpus": [asdict(gpu) for gpu in torch_gpus()],
    }


if __name__ == "__main__":
    print(json.dumps(describe()))
