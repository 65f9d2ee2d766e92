"""The whole epochs of a fit: their figures, whether there is still progress, and which of them is shipped."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from .params import FitParams

CHOSEN_BY = "val_oks_ap"  # decides which epoch was best, and whether there is still progress


class WholeEpochs:
    """The history of a fit, and the weights of its best epoch where those are shipped."""

    def __init__(self, params: FitParams) -> None:
        self.params = params
        self.figures: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] | None = None

    def __len__(self) -> int:
        return len(self.figures)

    def restore(self, figures: list[dict[str, float]], best: Mapping[str, torch.Tensor] | None) -> None:
        """Continue after the epochs that `figures` are of."""
        self.figures, self.best = list(figures), None if best is None else dict(best)

    def finished(self) -> bool:
        """Whether all epochs are done, or the last `patience` epochs brought no better one."""
        waited = len(self) - 1 - self._best_epoch() if self.figures else 0
        return len(self) >= self.params.epochs or 0 < self.params.patience <= waited

    def note(self, figures: dict[str, float], average: nn.Module) -> None:
        """Append the figures of the epoch just fitted; keep its `average` if it is the best and the best is shipped."""
        self.figures.append(figures)
        if self.params.ship == "best" and self._best_epoch() == len(self) - 1:
            self.best = {name: tensor.clone() for name, tensor in average.state_dict().items()}

    def shipped_figures(self) -> dict[str, float]:
        """The figures of the epoch that is shipped."""
        return self.figures[self._best_epoch() if self.best is not None else -1]

    def _best_epoch(self) -> int:
        """The first epoch with the highest AP."""
        return int(np.argmax([figures[CHOSEN_BY] for figures in self.figures]))
