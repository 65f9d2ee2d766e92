"""The data's own OKS sigmas: section `oks` of params.yaml, and the file of them that `dataengine agreement` writes.

Every command that scores or learns by OKS takes its protocol from `load_protocol`. A file of sigmas is named by its
content, so that a change of it is a change of `oks.sigmas`, which the stages depend on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.files import read_json, short_sha256, write_json
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS
from dataengine.params import load_section
from dataengine.terminal.speech import say
from dataengine.typed_record import RECORDS

SECTION = "oks"
DIGITS = 6  # of a sigma in the file


@dataclass(frozen=True)
class OksParams:
    """Section `oks` of params.yaml."""

    sigmas: str
    """File of `dataengine agreement` with the sigmas of your labels; "" takes COCO's."""


@dataclass(frozen=True, kw_only=True)
class JointSigma:
    """What two annotators' labels of one joint say."""

    sigma: float
    """Spread of one label about the true place, as a share of the square root of the person's area."""
    low: float
    high: float
    """Bounds of its interval."""
    pairs: int
    """People on whom both labelled the joint."""

    def __post_init__(self) -> None:
        if not 0 < self.sigma < 1:
            raise ParamsError("sigma", expected="above 0 and below 1", got=f"{self.sigma:g}")


@dataclass(frozen=True, kw_only=True)
class OwnSigmas:
    """The sigmas of a set of labels; COCO's hold for a joint that it lacks, because too few people have it twice."""

    joints: Mapping[str, JointSigma]
    """By COCO's name of the joint."""
    people: int
    """Labelled by both annotators."""
    pictures: int
    level: float
    """Confidence of the intervals."""

    @property
    def name(self) -> str:
        """What metrics and verdicts call them: by a hash of the sigmas, without their intervals."""
        content = json.dumps({name: round(joint.sigma, DIGITS) for name, joint in self.joints.items()}, sort_keys=True)
        return f"sigmas-{short_sha256(hashlib.sha256(content.encode()).hexdigest())}"

    @property
    def lacking(self) -> list[str]:
        """Joints without a sigma."""
        return [name for name in COCO_KEYPOINTS if name not in self.joints]

    @property
    def protocol(self) -> OksProtocol:
        """COCO's protocol by these sigmas."""
        pairs = zip(COCO_KEYPOINTS, COCO_SIGMAS.tolist(), strict=True)
        values = [round(self.joints[name].sigma, DIGITS) if name in self.joints else coco for name, coco in pairs]
        return OksProtocol(sigmas=np.array(values), sigmas_name=self.name)


def write_sigmas(folder: Path, own: OwnSigmas) -> Path:
    """Write the file, named by its content, into `folder`."""
    path = folder / f"{own.name}.json"
    write_json(path, asdict(own))
    return path


def read_sigmas(path: Path) -> OwnSigmas:
    """Read what `write_sigmas` wrote.

    Raises:
        InputError: it is something else, or not named by its content, so that a change could go unnoticed.
    """
    fix = "use a file of `dataengine agreement`"
    try:
        own = RECORDS.record(OwnSigmas, read_json(path), "sigmas")
    except (InputError, ParamsError) as error:
        raise InputError(f"{path}: {error}", fix=fix) from error
    strange = sorted(set(own.joints) - set(COCO_KEYPOINTS))
    if strange or not own.joints:
        got = ", ".join(strange) or "none"
        raise InputError(f"{path} has sigmas of other joints", expected="COCO's 17 names", got=got, fix=fix)
    if path.stem != own.name:
        fix = "rename it, or use `dataengine agreement`"
        raise InputError(f"{path} is not named by its sigmas", expected=f"{own.name}.json", fix=fix)
    return own


def load_protocol(params: Path) -> OksProtocol:
    """How the project scores by OKS: COCO's protocol, by the sigmas that `oks.sigmas` names; a line says which.

    Raises:
        ParamsError: the file `params` has no section `oks`.
        InputError: the file of sigmas is missing, damaged, or not named by its content.
    """
    file = load_section(params, SECTION, OksParams).sigmas
    if not file:
        return COCO
    own = read_sigmas(Path(file))
    lacking = f"; COCO's for {', '.join(own.lacking)}, which it lacks" if own.lacking else ""
    say(f"OKS by the sigmas of {file}{lacking}")
    return own.protocol
