"""Whether two networks see the same crops and mean the same by their answers, whatever is between the two."""

from dataengine.errors import InputError
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Head


def check_alike(source: str, theirs: ModelMeta, ours: ModelMeta) -> None:
    """Raise an InputError that names what differs: crop, normalisation, keypoints, or the meaning of a bin.

    `source` names the network of `theirs` in messages; `ours` is that of the network to fit.
    """
    for name, given, wanted in (
        ("crop", theirs.crop, ours.crop),
        ("normalisation", (theirs.mean, theirs.std), (ours.mean, ours.std)),
        ("keypoints", theirs.keypoints, ours.keypoints),
        ("head", _meaning(theirs.reader), _meaning(ours.reader)),
    ):
        if given != wanted:
            raise InputError(
                f"{source} has another {name} than the network to fit",
                expected=str(wanted),
                got=str(given),
                mend="set the params of the fit to it, or name another",
            )


def _meaning(head: Head) -> dict[str, object]:
    """What a bin of the answer stands for; how a heatmap is blurred before it is read is no part of it."""
    return {name: value for name, value in head.describe().items() if name != "blur_sigma"}
