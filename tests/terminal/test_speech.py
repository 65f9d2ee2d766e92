import pytest

from dataengine.terminal.speech import answer, say


def test_results_can_be_piped_apart_from_reports(capsys: pytest.CaptureFixture[str]) -> None:
    say("fitted 3 of 4 networks")
    answer("AP 0.532")
    captured = capsys.readouterr()
    assert captured.out == "AP 0.532\n"
    assert captured.err == "fitted 3 of 4 networks\n"
