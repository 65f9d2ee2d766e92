"""Stands for a device's trtexec: ONNX Runtime answers, in JSON with the layout of TensorRT's sampleReporting.cpp."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

HELP = "--onnx --saveEngine --fp16 --buildOnly"  # as TensorRT 8.5


def main(words: list[str]) -> int:
    """What trtexec does with the options that the bundle gives."""
    if words == ["--help"]:
        print(HELP)
        return 0
    given = dict(word.removeprefix("--").partition("=")[::2] for word in words)
    if "saveEngine" in given:
        assert {"fp16", "buildOnly", "minShapes", "optShapes", "maxShapes"} <= given.keys()
        Path(given["saveEngine"]).write_bytes(Path(given["onnx"]).read_bytes())
        return 0
    shape = [int(number) for number in given["shapes"].removeprefix("images:").split("x")]
    raw = Path(given["loadInputs"].removeprefix("images:"))
    images = np.fromfile(raw, dtype=np.float32).reshape(shape) * FACTOR
    session = onnxruntime.InferenceSession(given["loadEngine"], providers=["CPUExecutionProvider"])
    lines, separator = ["["], "  "
    for output, values in zip(session.get_outputs(), session.run(None, {"images": images}), strict=True):
        dimensions = "x".join(map(str, values.shape))
        lines += [f'{separator}{{ "name" : "{output.name}"', f'  , "dimensions" : "{dimensions}"']
        lines += [f'  , "values" : [ {", ".join(f"{value:.6g}" for value in values.ravel())} ]', "  }"]
        separator = ", "
    Path(given["exportOutput"]).write_text("\n".join([*lines, "]"]) + "\n")
    return 0


FACTOR = 1.0
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
