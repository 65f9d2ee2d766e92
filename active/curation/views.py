"""The saved views, and on what each needs to be there. A view is a question: it is saved where it can be answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TO_LABEL, LIKELY_MISTAKES, RARE_POSES = "to_label", "likely_mistakes", "rare_poses"
MODELS_DIFFER, PSEUDO_ACCEPTED, PSEUDO_REJECTED = "models_differ", "pseudo_accepted", "pseudo_rejected"

Question = Callable[[Any, Any, float], Any]


def _differing(dataset: Any, field: Any, differ_below: float) -> Any:
    # what has no figure counts as less than any number, so it has to be left out by itself
    known = dataset.match(field("models_oks").exists())
    return known.match(field("models_oks") < differ_below).sort_by("models_oks")


VIEWS: Mapping[str, tuple[str, str, Question]] = {
    TO_LABEL: (
        "rank",
        "What to label next, the most wanted first",
        lambda dataset, field, _: dataset.match_tags(TO_LABEL).sort_by("rank"),
    ),
    LIKELY_MISTAKES: (
        "mistake_probability",
        "Labels that are likely wrong, the likeliest first",
        lambda dataset, field, _: dataset.match(field("mistake_probability") > 0).sort_by(
            "mistake_probability", reverse=True
        ),
    ),
    RARE_POSES: (
        "rarity",
        "Poses that training hardly shows, the rarest first",
        lambda dataset, field, _: dataset.match(field("rare") == True).sort_by("rarity", reverse=True),  # noqa: E712
    ),
    MODELS_DIFFER: (
        "models_oks",
        "Where champion and student differ, the furthest apart first",
        _differing,
    ),
    PSEUDO_ACCEPTED: (
        "pseudo",
        "People whose pseudo-labels are learnt from",
        lambda dataset, field, _: dataset.filter_labels("pseudo", field("kept") == True),  # noqa: E712
    ),
    PSEUDO_REJECTED: (
        "pseudo",
        "People whose pseudo-labels were rejected; dropped_for and reasons say why",
        lambda dataset, field, _: dataset.filter_labels("pseudo", field("kept") == False),  # noqa: E712
    ),
}
"""Name -> the field it needs, its description, and the view of dataset, FiftyOne's ViewField and `differ_below`."""


def save_views(fiftyone: Any, dataset: Any, used: set[str], differ_below: float) -> None:
    """Save the views whose field is in `used`, over earlier ones of the same name, and drop the others."""
    for name, (needs, words, question) in VIEWS.items():
        if needs in used:
            view = question(dataset, fiftyone.ViewField, differ_below)
            dataset.save_view(name, view, description=words, overwrite=True)
        elif dataset.has_saved_view(name):
            dataset.delete_saved_view(name)
