"""Two processes under torchrun against one that fits the same batches in two pieces."""

import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from dataengine.errors import EnvironmentFault
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.fit.steps.ranks import Ranks

from ....helpers.fitting_project import MOVED, TINY, curve, fit_here, one_torch_thread, write_project


def test_ranks_share_the_places_of_an_epoch() -> None:
    parts = [Ranks(rank, 3).places(20, 6).reshape(3, 2) for rank in range(3)]
    for step in range(3):
        assert np.concatenate([part[step] for part in parts]).tolist() == list(range(6 * step, 6 * step + 6))
    assert Ranks().places(7, 3).tolist() == list(range(6))


def test_one_process_is_a_group_of_one() -> None:
    alone = Ranks.of_environment(torch.device("cpu"))
    assert (alone.rank, alone.world, alone.is_first) == (0, 1, True)
    assert alone.total(torch.tensor(0.1, dtype=torch.float64)).item() == 0.1
    assert alone.from_first(lambda: "mine") == "mine"


def test_a_process_without_a_gpu_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(EnvironmentFault, match="expected 1 at most, got rank 1"):
        Ranks.of_environment(torch.device("cuda"))


FIT = """
import os
from dataengine.cli import app

app(standalone_mode=False)
threads = [open(f"/proc/self/task/{number}/comm").read().strip() for number in os.listdir("/proc/self/task")]
assert not [name for name in threads if "gloo" in name], f"the group outlived the fit: {threads}"
"""


@pytest.mark.slow
def test_two_ranks_have_the_losses_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_project()
    params = replace(TINY, epochs=3, batch=4, draws_per_epoch=4, augment=MOVED, learning_rate=1e-3)
    Path("params.yaml").write_text(yaml.safe_dump({"fit-teacher": asdict(params), "oks": {"sigmas": ""}}))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    Path("fit.py").write_text(FIT)
    command += ["fit.py", "fit-teacher", "--mix", "mix", "--val", "val.json"]
    command += ["--out", "models/two", "--report", "reports/models/two"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    with one_torch_thread():
        fit_here(replace(params, accumulate=2), "models/one")
    one, two = curve("models/one", "train_loss"), curve("models/two", "train_loss")
    assert len(one) == 3
    np.testing.assert_allclose(two, one, rtol=1e-5)
    (net, _), (other, _) = (load_checkpoint(Path("models") / name) for name in ("one", "two"))
    for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
