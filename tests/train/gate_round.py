"""Rounds of the gate for tests: compare and promote with the paths of one folder."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataengine.registry.records import Registry, read_registry, write_registry
from dataengine.train import compare, promote
from dataengine.train.begin_round import uses_by_test_set
from dataengine.train.gate.policy import Budgets, CompareParams, Guards, Primary
from dataengine.train.promote import PromoteParams

PARAMS = CompareParams(
    champion="",
    round=1,
    test_uses={},
    alpha=0.05,
    uses=10,
    warn_from=8,
    floor_ap=0.1,
    primary=Primary("superiority", 0.0),
    guarded=Guards(slices=["occlusion=*"], margin=0.2, level=0.95, min_people=5),
    budgets=Budgets(latency_ms=None, size_mb=None, ece=None),
    columns=[],
    level=0.95,
    power=0.8,
    resamples=200,
    cluster="frames",
    block_frames=4,
    min_clusters=5,
    runner="onnx-cpu",
    threads=1,
    seed=0,
)


@dataclass(frozen=True)
class Gate:
    """A registry with its store, and what compare and promote write."""

    root: Path
    test: Path

    @classmethod
    def fresh(cls, root: Path, test: Path) -> "Gate":
        write_registry(root / "models" / "registry.json", Registry())
        return cls(root, test)

    @property
    def registry(self) -> Path:
        return self.root / "models" / "registry.json"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def compare(self, candidate: Path, params: CompareParams = PARAMS, balance: Path | None = None) -> dict[str, Any]:
        """A pinned champion means that the round was begun, and so the uses of test sets are pinned, too."""
        if params.champion:
            params = replace(params, test_uses=uses_by_test_set(self.read()))
        compare.run(
            params,
            candidate=candidate,
            test=self.test,
            registry=self.registry,
            store=self.store,
            out=self.root / "compare",
            balance=balance,
        )
        return json.loads((self.root / "compare" / "verdict.json").read_text())

    def promote(self, candidate: Path, *, dry_run: bool = False) -> dict[str, Any]:
        out = self.root / "promote"
        promote.run(
            PromoteParams(dry_run),
            comparison=self.root / "compare",
            candidate=candidate,
            registry=self.registry,
            store=self.store,
            out=out,
        )
        return json.loads((out / "promotion.json").read_text())

    def read(self) -> Registry:
        return read_registry(self.registry)
