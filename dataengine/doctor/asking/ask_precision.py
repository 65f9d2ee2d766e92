"""Which precision fits take here, partly by measurement; its own process.

Words: the fits' `device`, then each `precision` that params.yaml asks for. Prints one JSON object.
"""

import json
import sys


def describe(device: str, wishes: list[str]) -> dict[str, dict[str, str]]:
    """For each wish the name of the precision and the reason, or what is wrong with the wish."""
    import torch

    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        return {wish: {"fault": "device: cuda, but PyTorch sees no CUDA device"} for wish in wishes}
    return {wish: _choose(wish, "cuda" if present and device != "cpu" else "cpu") for wish in wishes}


def _choose(wish: str, device: str) -> dict[str, str]:
    import torch

    from dataengine.errors import DataEngineError
    from dataengine.hardware.precision import PRECISIONS, choose_precision

    if wish not in PRECISIONS:
        return {"fault": f"precision: {wish} is not one of {', '.join(PRECISIONS)}"}
    if wish == "fp16" and device == "cpu":
        return {"fault": "precision: fp16 needs a GPU"}
    try:
        choice = choose_precision(wish, torch.device(device))
    except DataEngineError as error:
        return {"fault": str(error)}
    return {"name": choice.name, "reason": choice.reason}


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1], sys.argv[2:])))
