"""The command: from params to a service, and from SIGTERM to its end."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from dataengine.cli import main
from dataengine.params import load_section
from dataengine.serving.client import PoseClient
from dataengine.serving.params import ServeParams
from dataengine.serving.serve import run
from dataengine.serving.shadow.figures import read_agreement

from .made import BOXES, export_of, limited, png


def test_the_params_are_those_of_the_code(repository: Path) -> None:
    assert load_section(repository / "params.yaml", "serve", ServeParams) == ServeParams()


def test_a_service_with_a_shadow_ends_by_sigterm(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    champion, candidate = export_of(tmp_path / "a", 0), export_of(tmp_path / "b", 1)
    said = ""

    async def ask_and_end() -> None:
        nonlocal said
        serving = asyncio.create_task(run(limited(), champion, shadow=candidate, shadow_out=tmp_path / "out"))
        while not (port := re.search(r"answers at 127.0.0.1:(\d+)", said)) and not serving.done():
            await asyncio.sleep(0.01)
            said += capfd.readouterr().err
        assert port, said
        with PoseClient(f"127.0.0.1:{port[1]}", deadline_s=60) as client:
            assert len(await asyncio.to_thread(client.find, png(), BOXES)) == 2
        os.kill(os.getpid(), signal.SIGTERM)
        await serving

    asyncio.run(ask_and_end())
    said += capfd.readouterr().err
    champion_id, candidate_id = re.findall(r"(?:model|candidate) ([0-9a-f]{12}) answers", said)[::-1]
    assert "no new requests; those taken in are answered" in said and said.rstrip().endswith("stopped")
    figures = read_agreement(tmp_path / "out", champion_id, candidate_id)
    assert figures is not None and sum(figures.outcomes.values()) == 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_mistake_is_one_line(tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = (repository / "params.yaml").read_text().replace("127.0.0.1:8500", "0.0.0.0:8500")
    (tmp_path / "params.yaml").write_text(params)
    with pytest.raises(SystemExit, match="2"):
        main(["serve", str(tmp_path), "--params", str(tmp_path / "params.yaml")])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dataengine: error: serve.address is open to other machines: expected a loopback address")
    with pytest.raises(SystemExit, match="2"):
        main(["serve", str(tmp_path), "--params", str(repository / "params.yaml")])
    assert "is not a model" in capsys.readouterr().err
