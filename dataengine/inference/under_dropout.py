"""How far a network disagrees with itself once parts of its features are dropped: doubt of what it has learnt (BALD).

Disagreement under dropout is an estimate of the mutual information between an answer and the weights: entropy of the
mean answer less the mean entropy of the answers (Houlsby et al., "Bayesian Active Learning for Classification and
Preference Learning", 2011; with dropout as posterior Gal, Islam and Ghahramani, ICML 2017). Blur, which makes every
answer as wide, adds nothing to it, while entropy grows.

The networks are not fitted with dropout. It is put in for this question alone, as Loquercio et al. ("A General
Framework for Uncertainty Estimation in Deep Learning", RA-L 2020) and Ledda et al. ("Dropout Injection at Test Time for
Post Hoc Uncertainty Quantification", 2023) do, who find that such a doubt ranks answers and that its scale means
nothing: whoever uses it calibrates it. Whole channels between backbone and head are dropped (Tompson et al., "Efficient
Object Localization Using Convolutional Networks", CVPR 2015), because neighbouring cells would stand in for each
other. The backbone runs once, the head once for each set of channels.

The sets are the same for everybody (as Kirsch et al., "BatchBALD", NeurIPS 2019, want it), so that a person's number
does not depend on who else is asked about, or in which batch.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise
from dataengine.inference.running.crop_stream import CropStream
from dataengine.inference.running.devices import choose_device
from dataengine.inference.running.predict import BATCH
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.nets.heads import Arrays
from dataengine.nets.heatmap import BACKGROUND_SHARE
from dataengine.people import Images, People
from dataengine.terminal.progress import track

PASSES = 16
RATE = 0.2
"""Share of the channels that is dropped."""
SEED = 0


def dropout_disagreement(checkpoint: Path, people: People, images: Images) -> NDArray[np.float64]:
    """BALD (n, 17) of a checkpoint's answer to people, in nats, both axes of a SimCC answer together.

    Raises:
        InputError: the checkpoint or an image is damaged.
    """
    net, meta = load_checkpoint(checkpoint)
    device = choose_device()
    net = net.to(device).eval()
    found = np.zeros(people.visibility.shape)
    stream = CropStream(people, images, meta.crop, batch=BATCH)
    with stream, torch.inference_mode():
        for rows, crops in track(stream, "dropout", total=-(-len(people) // BATCH), unit="batch"):
            inputs = torch.from_numpy(normalise(crops, meta.mean, meta.std)).to(device)
            maps = net.features(inputs)
            answers = (net.read(maps * kept) for kept in channel_masks(maps.shape[1]).to(device))
            found[rows] = mutual_information(
                densities(meta.reader.distributions(tuple(part.float().cpu().numpy() for part in answer)))
                for answer in answers
            )
    return found


def channel_masks(channels: int) -> torch.Tensor:
    """Factors (PASSES, channels, 1, 1) of features: 0 for what is dropped, what is kept made up for it."""
    kept = np.random.default_rng(SEED).random((PASSES, channels, 1, 1)) >= RATE
    return torch.from_numpy((kept / (1 - RATE)).astype(np.float32))


def densities(distributions: Arrays) -> Arrays:
    """A head's distributions as probabilities (n, k, bins) that sum to 1: SimCC's two axes, or all cells of a heatmap.

    Of a heatmap what is background to its decoder is cut off; one without any mass knows nothing.
    """
    if len(distributions) > 1:
        return distributions[:2]
    maps = np.where(np.isfinite(distributions[0]), distributions[0], 0.0)
    maps = maps.reshape(*maps.shape[:2], -1).astype(np.float64)
    peak = maps.max(axis=-1, keepdims=True)
    mass = np.where(peak > 0, np.where(maps >= BACKGROUND_SHARE * peak, np.maximum(maps, 0.0), 0.0), 1.0)
    return (mass / mass.sum(axis=-1, keepdims=True),)


def mutual_information(answers: Iterable[Arrays]) -> NDArray[np.float64]:
    """Entropy (n, k) of the mean answer less the mean of the answers' entropies, in nats, summed over their parts.

    Each answer is parts (n, k, bins) that sum to 1. 0 where all are the same, at most the logarithm of their number.
    """
    means: list[NDArray[np.float64]] = []
    entropy, count = np.zeros(()), 0
    for answer in answers:
        means = [mean + part for mean, part in zip(means, answer, strict=True)] if count else [1.0 * p for p in answer]
        entropy = entropy + _entropy(answer)
        count += 1
    return np.maximum(_entropy([mean / count for mean in means]) - entropy / count, 0.0)


def _entropy(parts: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    return np.sum([-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1) for p in parts], axis=0)
