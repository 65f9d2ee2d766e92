"""Which models have learnt from a picture."""

from __future__ import annotations

from .finding import FoundSample
from .section import Section


def models_section(sample: FoundSample) -> Section:
    """The models that learnt from the picture, and those of which it is not known."""
    if not sample.sha256:
        return Section("models", ("unknown: the picture's file is gone, and models name pictures by their hash",))
    learnt = [model for model in sample.models if model.learnt is not None and sample.sha256 in model.learnt]
    unknown = [model for model in sample.models if model.learnt is None]
    others = [m.name for m in sample.models if m.learnt is not None and sample.sha256 not in m.learnt]
    lines = [f"learnt by {model.name}, {model.state}" for model in learnt]
    lines += [f"unknown of {model.name}, {model.state}: {model.why_unknown}" for model in unknown]
    lines += [f"not by {', '.join(others)}"] if others else []
    facts = {
        "learnt_by": [{"model": model.name, "state": model.state} for model in learnt],
        "unknown_of": [{"model": model.name, "why": model.why_unknown} for model in unknown],
        "not_learnt_by": others,
    }
    return Section("models", tuple(lines), facts)
