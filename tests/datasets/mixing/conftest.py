"""Real and synthetic people, balanced, for the stage mix."""

from pathlib import Path

import pytest

from dataengine.datasets.balance import BalanceParams
from dataengine.datasets.balance import run as run_balance
from dataengine.datasets.mix import MixParams, run
from dataengine.people import People

from ...helpers.pose_samples import crowd, write_crowd

PARAMS = MixParams(synthetic_per_real=0.3333333333, seed=3)
REAL, SYNTHETIC = Path("data/ingest/train.json"), Path("data/render/people.json")
BALANCE, OUT, REPORT = Path("data/balance"), Path("data/mix"), Path("reports/mix")
BALANCE_PARAMS = BalanceParams(clusters=3, threshold=0.75, max_repeat=3.0, seed=0)


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """Real and synthetic people with the same image ids, balanced, in the working folder."""
    monkeypatch.chdir(tmp_path)
    people = crowd((50, 9, 3))
    write_crowd(REAL, people)
    synthetic = crowd((4, 4), seed=5, source="synthetic").with_extra("K", [[1.0, 2.0]] * 8)
    write_crowd(SYNTHETIC, synthetic.with_extra("pose_name", ["warrior"] * 8))
    run_balance(BALANCE_PARAMS, train=REAL, out=BALANCE, report=Path("reports/balance"))
    return people


def mix(params: MixParams = PARAMS) -> dict[str, float]:
    return run(params, real=REAL, synthetic=SYNTHETIC, balance=BALANCE, out=OUT, report=REPORT)
