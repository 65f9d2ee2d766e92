"""What the page of a comparison says in sentences: the verdict, the test set, the runner, where a model comes from."""

from collections.abc import Mapping
from typing import Any

from dataengine.evaluation.analysis.interval import Interval

from ..comparison import Comparison, ModelFigures
from ..independence import dependence_words

HEADLINE = {
    "promote": "Promote the candidate.",
    "reject": "Do not promote the candidate.",
    "not-enough-evidence": "Do not promote yet: there is not enough evidence.",
}


def headline(comparison: Comparison) -> str:
    """The verdict in one sentence; only a promotion has a figure, since what stops one need not be an AP."""
    words = HEADLINE[comparison.verdict]
    if comparison.verdict != "promote":
        return words
    figure = comparison.gain if comparison.gain is not None else comparison.ap
    what = "AP" if comparison.gain is None else "AP against the champion"
    sign, level = "" if comparison.gain is None else "+", comparison.policy["level"]
    return f"{words[:-1]}: {figure.value:{sign}.3f} {what} ({level:.0%} interval {bounds(figure, sign)})."


def models_of(comparison: Comparison) -> dict[str, ModelFigures]:
    """The figures of "candidate" and, unless it is the first model, "champion"."""
    models = {"candidate": comparison.candidate, "champion": comparison.champion}
    return {who: model for who, model in models.items() if model is not None}


def shadow_words(comparison: Comparison) -> str:
    """What became of everybody whom the champion answered."""
    if comparison.shadow is None:
        return ""
    counts = sorted(comparison.shadow.outcomes.items(), key=lambda item: -item[1])
    return "Of everybody whom the champion answered: " + ", ".join(f"{count} {what}" for what, count in counts) + "."


def pose_words(comparison: Comparison) -> str:
    """What the slices by pose mean, and which poses the test set lacks."""
    poses = comparison.poses
    if poses is None:
        return ""
    words = [
        f"cluster= and rare= refer to the {poses.clusters} pose clusters {poses.clusters_id}, fitted on training "
        f"people; balancing counts {poses.rare_clusters} of them as rare. novel= are poses farther than "
        f"{poses.novel_beyond:.2f} from every training pose (99 % of training people are nearer to another); they are "
        "rare, too.",
        f"Of {poses.people} test people with a pose {poses.rare_people} are rare, {poses.novel_people} of those novel; "
        f"the test set shows {poses.seen_clusters} of the {poses.clusters} clusters and says nothing about the others.",
    ]
    if poses.without_pose:
        words.append(f"{poses.without_pose} people have too few labelled joints to be in any.")
    return " ".join(words)


def people_words(comparison: Comparison) -> str:
    """Which people are shown, and in what order."""
    what = (
        "The difference of the two models' OKS, whichever is better,"
        if comparison.champion is not None
        else "The candidate's OKS, worst first,"
    )
    return (
        f"{what} orders the pictures, one person an image, taken from each moment (all cameras of a group together) "
        "once before any twice. The number after a model's name is its OKS."
    )


def facts_of_test(comparison: Comparison) -> dict[str, str]:
    """What was measured on, how often it may be used, and by which runner."""
    test, error = comparison.test, comparison.error
    return {
        "test set": f"{test.people} people in {test.images} images; found in labelled boxes",
        "version": test.version or "none: no lock file lies next to it",
        **{f"independence by {each.kind}": dependence_words(each) for each in comparison.dependence},
        "scale of OKS": test.scale,
        "sigmas of OKS": test.oks_sigmas,
        "sha256": test.sha256,
        "use": f"comparison {test.use} of the {test.budget} that this test set may serve, those on all sets of its "
        "version or with one of its pictures counted",
        "risk of a false promotion": (
            f"The policy allows {error.total:.2%} over all {test.budget} comparisons together: at most that is the "
            f"probability that any of them promotes a model that is not better. This comparison used "
            f"{error.this_round:.2%}, with the earlier ones {error.spent:.2%}; {error.left:.2%} is left."
        ),
        "round": str(comparison.round),
        "runner": _runner(comparison),
    }


def _runner(comparison: Comparison) -> str:
    """What ran the models, and why the runners preferred to it did not."""
    runner = comparison.runner
    if runner is None:
        return "unknown"
    words = f"{runner.words}, {runner.file}" + (", the same for both models" if comparison.champion else "")
    reasons = "; ".join(f"{name}: {why}" for name, why in runner.passed_over.items())
    return f"{words}. Not run here: {reasons}" if reasons else words


def lineage_facts(comparison: Comparison, who: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Where a model comes from; `facts` is the lineage of its sidecar."""
    model, student = models_of(comparison)[who], facts.get("student", {})
    hashes = facts.get("data_sha256", {})
    return {
        "model": model.id,
        "file": f"{model.file}, run by {model.runner or 'an unknown runner'}; latency measured on "
        f"{model.machine or 'an unknown machine'}",
        "weights": str(facts.get("student_sha256", "-")),
        "training data": str(student.get("data_sha256", "-")),
        **{f"data: {name}": str(value) for name, value in hashes.items()},
        "code revision": str(facts.get("code_revision") or "-"),
        "params": ", ".join(f"{name} {value}" for name, value in student.get("params", {}).items()) or "-",
    }


def interval_words(comparison: Comparison) -> str:
    """Level of the intervals, what is drawn for them, and why the bound that decides is another."""
    policy = comparison.policy
    primary = next(check.name for check in comparison.checks if check.kind == "primary")
    share, tail = policy["alpha"] / policy["uses"], (1 - policy["level"]) / 2
    return (
        f"{policy['level']:.0%} intervals by {comparison.resamples} paired bootstrap resamples of "
        f"{' and '.join(_resampled(comparison))}. The demand {primary} is decided by a lower bound of its own, "
        f"which is too high with a probability of {share:.2%}; the lower end of an interval is so with {tail:.2%}."
    )


def _resampled(comparison: Comparison) -> list[str]:
    """What is drawn: see `image_clusters.crossed`."""
    several = [each for each in comparison.dependence if each.clusters > 1] or comparison.dependence[:1]
    return [f"{each.clusters} clusters by {each.kind}" for each in several]


def bounds(interval: Interval, sign: str = "") -> str:
    """Both ends of an interval, with a format's `sign`."""
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}"
