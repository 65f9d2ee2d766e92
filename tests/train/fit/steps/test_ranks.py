"""Two processes under torchrun: against one that fits the same batches in two pieces, and when one of them is lost."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from dataengine.errors import EnvironmentFault, InputError
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.fit.steps import lost_ranks
from dataengine.train.fit.steps.lost_ranks import ends_with_its_ranks
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
import os, signal
from dataengine.train.fit.step import Stepper

steps, whole = [], Stepper.step
kills = os.environ.get("LOSE_A_RANK") and (os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]) == ("1", "0")

def step(*arguments):
    steps.append(1)
    if kills and len(steps) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments)

Stepper.step = step
if __name__ == "__main__":
    from dataengine.cli import main
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    line = f"steps of rank {os.environ['RANK']} {len(steps)}\\n"
    os.write(1, line.encode())  # whole, whatever the other rank writes
    threads = [open(f"/proc/self/task/{number}/comm").read().strip() for number in os.listdir("/proc/self/task")]
    assert not [name for name in threads if "gloo" in name], f"the group outlived the fit: {threads}"
"""
PARAMS = replace(TINY, epochs=3, batch=4, draws_per_epoch=4, augment=MOVED, learning_rate=1e-3)
STEPS_OF_AN_EPOCH = 4


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to fit in, with the fit of two ranks that nothing disturbed."""
    folder = tmp_path_factory.mktemp("ranks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_project()
        Path("params.yaml").write_text(yaml.safe_dump({"fit-teacher": asdict(PARAMS), "oks": {"sigmas": ""}}))
        Path("fit.py").write_text(FIT)
        done = fit_by_two("models/two")
        assert done.returncode == 0, done.stderr
        yield folder


def fit_by_two(out: str, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Fit in the working folder by torchrun, on two ranks."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *options]
    command += ["fit.py", "fit-teacher", "--mix", "mix", "--val", "val.json"]
    command += ["--out", out, "--report", f"reports/{out}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400)


@pytest.mark.slow
def test_two_ranks_have_the_losses_of_one_process(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with one_torch_thread():
        fit_here(replace(PARAMS, accumulate=2), "models/one")
    one, two = curve("models/one", "train_loss"), curve("models/two", "train_loss")
    assert len(one) == 3
    np.testing.assert_allclose(two, one, rtol=1e-5)
    (net, _), (other, _) = (load_checkpoint(Path("models") / name) for name in ("one", "two"))
    for ours, theirs in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_lost_rank_ends_the_other_and_the_fit_goes_on_to_the_same_bits(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rank 1 dies by SIGKILL in the second epoch; torchrun starts both again, as whoever types its line again would."""
    monkeypatch.chdir(project)
    done = fit_by_two("models/lost", "--max-restarts", "3", LOSE_A_RANK="yes")
    assert done.returncode == 0, done.stderr
    line, *_ = [line for line in done.stderr.splitlines() if "dataengine: error" in line]
    assert "rank 0 of 2 ends: another rank is lost" in line and "Traceback" not in done.stderr
    assert line.endswith("start the same torchrun again: it goes on from the last whole epoch")
    ran = sorted(line for line in done.stdout.splitlines() if line.startswith("steps of rank"))
    assert ran == [f"steps of rank {rank} {2 * STEPS_OF_AN_EPOCH}" for rank in (0, 1)], "the first epoch was kept"
    whole, resumed = (load_file(f"models/{name}/model.safetensors") for name in ("two", "lost"))
    assert whole.keys() == resumed.keys() and all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert curve("models/two", "train_loss") == curve("models/lost", "train_loss")


def test_other_errors_of_a_fit_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    @ends_with_its_ranks()
    def fail(words: str) -> None:
        raise RuntimeError(words)

    with pytest.raises(RuntimeError, match="gloo"):
        fail("gloo: one process is not of a group")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match="shapes"):
        fail("shapes do not match")
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(EnvironmentFault, match="rank 0 of 2 ends"):
            fail("[gloo/transport/tcp/pair.cc:537] Connection closed by peer [127.0.0.1]:1")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN, "until the line is written"
    finally:
        signal.signal(signal.SIGTERM, before)

    left = []
    monkeypatch.setattr(lost_ranks.distributed, "destroy_process_group", lambda: left.append(True))

    @ends_with_its_ranks()
    def collapse() -> None:
        raise InputError("the student has collapsed")

    try:
        with pytest.raises(InputError, match="has collapsed"):
            collapse()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert left, "a fit that is refused leaves the group, too"

    @ends_with_its_ranks()
    def work() -> None:
        assert signal.getsignal(signal.SIGTERM) is not before

    work()
    assert signal.getsignal(signal.SIGTERM) is before
    assert not [thread for thread in threading.enumerate() if thread.name == "sigterm"]


BLOCKED = """
import ctypes
from dataengine.train.fit.steps.lost_ranks import ends_with_its_ranks

@ends_with_its_ranks()
def work():
    print("at work", flush=True)
    ctypes.CDLL(None).sleep(600)

work()
"""


def test_a_rank_that_is_blocked_outside_of_python_ends_when_it_is_told_to() -> None:
    environment = {**os.environ, "RANK": "1", "WORLD_SIZE": "2"}
    with subprocess.Popen([sys.executable, "-c", BLOCKED], env=environment, stdout=-1, stderr=-1, text=True) as blocked:
        assert blocked.stdout is not None and blocked.stderr is not None
        assert blocked.stdout.readline() == "at work\n"
        blocked.send_signal(signal.SIGTERM)
        assert blocked.wait(120) == 128 + signal.SIGTERM
        assert blocked.stderr.read() == (
            "dataengine: error: rank 1 of 2 ends: another rank is lost, or the fit was stopped: got SIGTERM; "
            "start the same torchrun again: it goes on from the last whole epoch\n"
        )
