"""The rounds so far, from the registry: with how many labels each model was fitted, and its AP on the test set."""

from __future__ import annotations

from dataclasses import dataclass

from dataengine.registry.records import Registry


@dataclass(frozen=True)
class PastRounds:
    """Measurements that can be compared: on one test set, by the same sigmas."""

    labels: tuple[int, ...]
    """Images with people's labels that each model learnt from, in the order of the registry."""
    ap: tuple[float, ...]


def past_rounds(registry: Registry) -> PastRounds:
    """Models of the registry that were measured like its latest one, as far as their lineage counts labels.

    Models that were refused are not in the registry, so the rounds are those that went well.
    """
    if not registry.entries:
        return PastRounds((), ())
    latest = registry.entries[-1]
    found = []
    for entry in registry.entries:
        images = entry.lineage.get("student", {}).get("labels", {}).get("images", 0)
        like = (entry.test_sha256, entry.oks_sigmas) == (latest.test_sha256, latest.oks_sigmas)
        if like and isinstance(images, int) and images > 0:
            found.append((images, entry.ap))
    return PastRounds(tuple(images for images, _ in found), tuple(ap for _, ap in found))
