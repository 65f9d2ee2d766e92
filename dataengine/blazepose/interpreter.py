"""LiteRT behind a function: one float input, outputs found by their size."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError


class TfliteModel:
    """A .tflite file with one image input."""

    def __init__(self, path: Path, threads: int) -> None:
        """Raises InputError when the file is missing or is not a model."""
        from ai_edge_litert.interpreter import Interpreter  # slow import

        if not path.is_file():
            raise InputError(f"{path}: no such model", fix="run `dataengine fetch` first")
        try:
            with _quiet_stderr():
                self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
                self._interpreter.allocate_tensors()
        except ValueError as error:
            raise InputError(
                f"{path}: not a LiteRT model", got=str(error).splitlines()[0], fix="fetch it again"
            ) from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = {int(np.prod(d["shape"])): d["index"] for d in self._interpreter.get_output_details()}

    def __call__(self, image: NDArray[np.float32], sizes: tuple[int, ...]) -> list[NDArray[np.float32]]:
        """Run on (1, h, w, 3) and return copies of the outputs that have these numbers of elements."""
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(image, np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(self._outputs[size]).copy() for size in sizes]


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """LiteRT's C++ side announces its delegate on file descriptor 2 and would tear progress bars."""
    saved_stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(null)
        os.close(saved_stderr)
