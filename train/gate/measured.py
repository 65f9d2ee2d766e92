"""What a comparison measured, before any policy: how each image counts, for both models and every slice.

`compare` writes it as evidence.npz, and `promote` reads it and decides again, so that a verdict is carried out only
where the evidence bears it. Arrays lie in the file uncompressed: the same evidence has the same bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.matching import Matches
from dataengine.files import DAMAGED_ZIP
from dataengine.registry.ledger import ComparedInputs, digest_of, pictures_name
from dataengine.typed_record import RECORDS

from .comparison import Dependence

EVIDENCE_FILE = "evidence.npz"


@dataclass(frozen=True)
class MeasuredFacts:
    """All of it except the arrays."""

    inputs: ComparedInputs
    pictures: tuple[str, ...]  # sorted short hashes
    people: int
    images: int
    scale: str  # what the scale of OKS is, in words
    dependence: tuple[Dependence, ...]  # how alike pictures are that belong together, which made the clusters
    learnt: int | None  # pictures of the test set that the candidate has learnt from; None if that is not known
    champion_learnt: int | None
    latency_ms: float | None  # of the candidate's file, batch 1; None if it was not measured
    size_bytes: int
    ece: float | None
    slices: tuple[str, ...]  # names, in the order of the arrays


@dataclass(frozen=True, eq=False)
class MeasuredComparison:
    """How each image counts, for both models and every slice."""

    facts: MeasuredFacts
    clusters: NDArray[np.int64]  # (w, m) of each image that is matched, in the ways that cross: see `draw_ap`
    candidate: Mapping[str, Matches]  # of the whole set and of every slice
    champion: Mapping[str, Matches] | None

    def rng(self) -> np.random.Generator:
        """The random stream of the resamples, which follows from pictures and models: nobody chooses it."""
        inputs = self.facts.inputs
        digest = digest_of([inputs.pictures, inputs.candidate, inputs.champion])
        return np.random.default_rng(int(digest, 16))

    def write(self, path: Path) -> None:
        """Write the file."""
        facts = np.frombuffer(json.dumps(asdict(self.facts), allow_nan=False).encode(), dtype=np.uint8)
        arrays: dict[str, NDArray[Any]] = {"facts": facts, "clusters": self.clusters}
        for who, model in (("candidate", self.candidate), ("champion", self.champion)):
            for number, name in enumerate(self.facts.slices if model else ()):
                assert model is not None
                arrays |= {f"{who}.{number}.{key}": array for key, array in _arrays_of(model[name]).items()}
        with path.open("wb") as opened:
            np.savez(opened, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for options

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file; anything else is an `InputError`."""
        fix = "run `dataengine compare` again"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                facts = RECORDS.record(MeasuredFacts, json.loads(bytes(arrays["facts"])), "facts")
                models = [
                    {name: _matches_of(arrays, f"{who}.{k}.") for k, name in enumerate(facts.slices)}
                    for who, model in (("candidate", True), ("champion", facts.inputs.champion != ""))
                    if model
                ]
                measured = cls(facts, arrays["clusters"], models[0], models[1] if len(models) > 1 else None)
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist", fix=fix) from error
        except (*DAMAGED_ZIP, KeyError) as error:
            got = " ".join(str(error).split())[:200]
            raise InputError(f"{path} is not the evidence of a comparison", got=got, fix=fix) from error
        if facts.inputs.pictures != pictures_name(facts.pictures):
            raise InputError(f"{path} was changed by hand", got="other pictures than those it was measured on", fix=fix)
        return measured


def _arrays_of(matches: Matches) -> dict[str, NDArray[Any]]:
    """The fields that AP is computed from; who was matched to whom is left out."""
    plain = {name: getattr(matches, name) for name in _PLAIN}
    return plain | {name: np.packbits(getattr(matches, name)) for name in _FLAGS}


_PLAIN = ("thresholds", "recall_points", "image_id", "persons", "detection", "detection_image", "score")
_FLAGS = ("is_true", "is_false")


def _matches_of(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Matches:
    plain = {name: arrays[prefix + name] for name in _PLAIN}
    shape = len(plain["thresholds"]), len(plain["score"])
    flags = {
        name: np.unpackbits(arrays[prefix + name], count=shape[0] * shape[1]).reshape(shape).astype(bool)
        for name in _FLAGS
    }
    return Matches(**plain, **flags, person=np.where(flags["is_true"], 0, -1).astype(np.int32))
