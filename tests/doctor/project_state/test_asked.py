"""What rounds and requests asked for."""

from dataengine.active.manifest.files import selection_sha256
from dataengine.doctor.project_state import asked, models
from dataengine.doctor.project_state.kept import Kept
from dataengine.requests.record import write_request
from dataengine.rounds.asked import read_rounds
from dataengine.rounds.whole import WholeRound, write_whole_round

from ...requests.test_requests import request
from .kept_project import put_right


def test_records_of_rounds(kept: Kept) -> None:
    (record,) = kept.rounds.glob("*.json")
    good = record.read_bytes()
    record.write_bytes(good.replace(b"random", b"chosen"))
    assert len(put_right(asked.check_records(kept))) == 1 and record.read_bytes() == good
    (kept.selection / "scored.json").write_text("[]")
    assert len(put_right(asked.check_last_selection(kept))) == 1
    entered = read_rounds(kept.rounds)[-1]
    assert (entered.number, entered.selection_sha256) == (2, selection_sha256(kept.selection))
    assert dict(entered.picks) == {"p": {"rank": 1}} and list(asked.check_last_selection(kept)) == []


def test_the_record_of_a_whole_round_that_was_changed(kept: Kept) -> None:
    when = "2026-01-01T00:00:00+00:00"
    ended = WholeRound(number=1, started=when, ended=when, commit="c", inputs="i", uncommitted=(), facts={"AP": 0.5})
    path = write_whole_round(kept.rounds, ended)
    assert kept.git("add", "-f", str(path)).returncode == 0 and kept.git("commit", "-qm", "round").returncode == 0
    assert list(asked.check_whole_rounds(kept)) == []
    good = path.read_bytes()
    path.write_bytes(good.replace(b"0.5", b"0.9"))
    assert len(put_right(asked.check_whole_rounds(kept))) == 1 and path.read_bytes() == good
    path.unlink()
    assert len(put_right(asked.check_whole_rounds(kept))) == 1 and path.read_bytes() == good


def test_a_request_that_was_changed(kept: Kept) -> None:
    assert kept.requests is not None
    path = write_request(kept.requests, request())
    assert list(asked.check_requests(kept)) == []
    path.write_text(path.read_text().replace("rare and wrong", "rare"))
    (found,) = asked.check_requests(kept)
    assert found.result.status == "fault" and found.repair is None, "it is in no commit"
    kept.params.write_text(kept.params.read_text().replace("open: []", "open: [data/requests/gone.json]"))
    assert [each.result.name for each in models.check_named_files(kept)] == ["files"]
