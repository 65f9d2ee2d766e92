"""Rounds of the gate for tests: compare and promote with the paths of one folder."""

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.files import write_json
from dataengine.params import PARAMS as PARAMS_READER
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry, write_registry
from dataengine.train import compare, promote
from dataengine.train.begin_round import values_to_pin
from dataengine.train.gate.policy import Budgets, CompareParams, Guards, Primary
from dataengine.train.promote import PromoteParams

PARAMS = CompareParams(
    champion="",
    round=1,
    policy="",
    ledger="",
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
    cluster="group",
    block_frames=4,
    neighbours=0.1,
    min_clusters=5,
    runner="onnx-cpu",
    threads=1,
)


PROCESSES = multiprocessing.get_context("forkserver")
"""Makes processes of their own, forked from one that has loaded torch and the rest, and started nothing."""
PROCESSES.set_forkserver_preload(["dataengine.train.promote", "dataengine.registry.rollback"])


def killed(target: Callable[..., None], *arguments: object) -> bool:
    """Whether `target` kills its process, one of its own."""
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


def die(*arguments: object, **named: object) -> None:
    """The end of the process, as by the power going off."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Gate:
    """A registry with its store, and what compare and promote write."""

    root: Path
    test: Path

    @classmethod
    def fresh(cls, root: Path, test: Path) -> "Gate":
        write_registry(root / "models" / "registry.json", Registry())
        return cls(root, test)

    def copy(self, root: Path) -> "Gate":
        """The same in the folder `root`, which a test may change as it likes."""
        shutil.copytree(self.root, root)
        return Gate(root, self.test)

    @property
    def registry(self) -> Path:
        return self.root / "models" / "registry.json"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def begun(self, params: CompareParams) -> CompareParams:
        """`params` as `dataengine begin-round` pins them now, but with the champion that they name."""
        return replace(params, **{**values_to_pin(self.read(), params, COCO.sigmas_name), "champion": params.champion})

    def compare(
        self,
        candidate: Path,
        params: CompareParams = PARAMS,
        balance: Path | None = None,
        *,
        begin: bool = True,
        protocol: OksProtocol = COCO,
    ) -> dict[str, Any]:
        """A comparison; by default its round has just begun, by COCO's sigmas."""
        params = self.begun(params) if begin else params
        write_json(self.root / "policy.json", asdict(params))
        compare.run(
            params,
            candidate=candidate,
            test=self.test,
            registry=self.registry,
            store=self.store,
            out=self.root / "compare",
            balance=balance,
            protocol=protocol,
        )
        return self.verdict()

    def verdict(self) -> dict[str, Any]:
        """What the last comparison wrote."""
        return dict(json.loads((self.root / "compare" / "verdict.json").read_text()))

    def promote(self, candidate: Path, *, dry_run: bool = False, again: tuple[str, ...] = ()) -> dict[str, Any]:
        """Carry out the comparison that was made last, by its own policy."""
        out = self.root / "promote"
        promote.run(
            PromoteParams(dry_run, list(again)),
            self.policy(),
            comparison=self.root / "compare",
            candidate=candidate,
            registry=self.registry,
            store=self.store,
            out=out,
        )
        return json.loads((out / "promotion.json").read_text())

    def policy(self) -> CompareParams:
        """Section `compare` as it was at the last comparison."""
        return PARAMS_READER.record(CompareParams, json.loads((self.root / "policy.json").read_text()), "policy")

    def write_params(self, params: CompareParams = PARAMS, **promotion: Any) -> Path:
        """A params.yaml with what compare, promote and begin-round read, every key on a line with a comment."""
        sections = {
            "registry": {"file": str(self.registry), "store": str(self.store)},
            "compare": asdict(params),
            "oks": {"sigmas": ""},
            "promote": {"dry_run": False, "again": []} | promotion,
        }
        lines = ["# the whole loop"]
        for section, values in sections.items():
            lines += [f"{section}:", *(f"  {key}: {json.dumps(value)}  # {key}" for key, value in values.items())]
        path = self.root / "params.yaml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def read(self) -> Registry:
        return read_registry(self.registry)
