"""The budget of a test set: what counts as a use, and what does not make a fresh one, with the real commands."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file, write_json
from dataengine.inference.exported import load_exported
from dataengine.labelled_set import set_sha256
from dataengine.registry import rollback
from dataengine.registry.registry_file import write_registry
from dataengine.train import begin_round, compare, promote

from ..helpers import small_model
from .gate_round import PARAMS, Gate


@pytest.fixture
def mine(gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The round's test set, copied so that it can be tampered with, with a lock file as ingest writes it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copytree(gate.test.with_suffix(""), folder / "test")
    people, images = read_people(gate.test, root=gate.test.parent)
    moved = images.replace(path=[str(folder / "test" / Path(str(path)).name) for path in images.path])
    write_people(folder / "test.json", people, moved)
    own = Gate(gate.root, folder / "test.json")
    lock(own, "1")
    monkeypatch.chdir(tmp_path)
    return own


def lock(gate: Gate, version: str) -> None:
    """Write the lock file of the test set as it is now, as ingest does."""
    people, images = read_people(gate.test)
    keys = [sha256_file(Path(str(path))) for path in images.path]
    record = {"version": version, "sha256": set_sha256(people, images, keys), "people": len(people), "keys": keys}
    write_json(gate.test.with_suffix(".lock.json"), record)


def move_a_box(gate: Gate) -> None:
    record = json.loads(gate.test.read_text())
    record["annotations"][0]["bbox"][0] += 0.01
    gate.test.write_text(json.dumps(record))


def use_of(gate: Gate, candidate: Path) -> int:
    return int(gate.compare(candidate)["test"]["use"])


def test_a_moved_box_makes_no_fresh_test_set(mine: Gate, exported: dict[str, Path]) -> None:
    assert use_of(mine, exported["good"]) == 1
    move_a_box(mine)
    with pytest.raises(InputError, match=r"is not the test set that test\.lock\.json names"):
        mine.compare(exported["bad"])
    mine.test.with_suffix(".lock.json").unlink()
    assert use_of(mine, exported["bad"]) == 2
    assert use_of(mine, exported["good"]) == 3, "other labels are another comparison, even of the same model"


def test_a_new_version_with_a_worn_picture_inherits_its_uses(mine: Gate, exported: dict[str, Path]) -> None:
    assert [use_of(mine, exported[name]) for name in ("good", "bad")] == [1, 2]
    fresh = small_model.write_set(mine.root, "fresh", 40, seed=9, video="other")
    record = json.loads(fresh.read_text())
    worn_picture = next(iter(sorted(mine.test.with_suffix("").glob("*.png"))))
    shutil.copyfile(worn_picture, mine.root / "fresh" / Path(record["images"][0]["file_name"]).name)
    other = Gate(mine.root, fresh)
    lock(other, "2")
    assert use_of(other, exported["good"]) == 3
    small_model.write_set(mine.root, "fresh", 40, seed=10, video="other")
    lock(other, "3")
    assert use_of(other, exported["good"]) == 1, "no picture in common and another version"


def test_new_pictures_under_the_old_version_inherit_its_uses(mine: Gate, exported: dict[str, Path]) -> None:
    assert use_of(mine, exported["good"]) == 1
    other = Gate(mine.root, small_model.write_set(mine.root, "fresh", 40, seed=11))
    lock(other, "1")
    assert use_of(other, exported["good"]) == 2


def test_a_changed_policy_is_refused_in_the_round_and_spends_a_share_in_the_next(
    mine: Gate, exported: dict[str, Path]
) -> None:
    round_1 = mine.begun(replace(PARAMS, min_clusters=1000))
    assert mine.compare(exported["good"], round_1, begin=False)["verdict"] == "not-enough-evidence"
    mine.promote(exported["good"])
    milder = replace(round_1, min_clusters=5)
    with pytest.raises(ParamsError, match=r"not the policy that the round was begun with.*begin-round"):
        mine.compare(exported["good"], milder, begin=False)
    for forged in (replace(milder, policy=milder.hash_with("COCO")), replace(milder, policy=""), PARAMS):
        with pytest.raises(InputError, match=r"the round's comparison is spent: 1 since it began.*begin-round"):
            mine.compare(exported["good"], forged, begin=False)
    with pytest.raises(InputError, match="lacks the line abc, at which the round began"):
        mine.compare(exported["good"], replace(milder, policy=milder.hash_with("COCO"), ledger="abc"), begin=False)
    verdict = mine.compare(exported["good"], milder)
    assert (verdict["verdict"], verdict["test"]["use"], verdict["round"]) == ("promote", 2, 2)


def test_a_look_counts_though_nobody_promotes(mine: Gate, exported: dict[str, Path]) -> None:
    for number, change in enumerate(({}, {"level": 0.9}, {"min_clusters": 1000}), start=1):
        policy = replace(PARAMS, **change)  # type: ignore[arg-type]
        assert mine.compare(exported["good"], policy)["test"]["use"] == number
    assert [use.decision for use in mine.read().ledger.uses] == ["promote", "promote", "not-enough-evidence"]
    last = mine.compare(exported["good"], replace(PARAMS, uses=3, warn_from=2))
    assert last["verdict"] == "not-enough-evidence"
    assert "comparison 4 of the 3 that this test set may serve: label a fresh one" in last["reason"]


def test_more_uses_do_not_take_back_what_was_spent(mine: Gate, exported: dict[str, Path]) -> None:
    """One comparison at the whole of alpha leaves nothing, into however many shares alpha is cut afterwards."""
    assert mine.compare(exported["good"], replace(PARAMS, uses=1, warn_from=1))["verdict"] == "promote"
    second = mine.compare(exported["good"], replace(PARAMS, uses=100))
    assert second["verdict"] == "not-enough-evidence"
    assert "the earlier ones were allowed 0.05 of the error of 0.05" in second["reason"]
    assert second["error"]["this_round"] == second["error"]["left"] == 0


def test_the_same_comparison_again_is_no_second_use(mine: Gate, exported: dict[str, Path]) -> None:
    first = mine.begun(PARAMS)
    verdict = mine.compare(exported["good"], first, begin=False)
    registry = mine.registry.read_bytes()
    assert mine.compare(exported["good"], first, begin=False) == verdict
    assert mine.registry.read_bytes() == registry
    mine.promote(exported["good"])
    assert mine.compare(exported["good"], first, begin=False) == verdict
    assert use_of(mine, exported["bad"]) == 2
    assert use_of(mine, exported["good"]) == 1, "in a later round, too, it is the comparison that it was"
    assert mine.read().ledger.comparisons == 2


def test_a_second_candidate_waits_for_its_own_round(mine: Gate, exported: dict[str, Path]) -> None:
    first = mine.begun(PARAMS)
    mine.compare(exported["good"], first, begin=False)
    with pytest.raises(InputError, match="the round's comparison is spent"):
        mine.compare(exported["bad"], first, begin=False)
    assert use_of(mine, exported["bad"]) == 2
    with pytest.raises(InputError, match="the round's comparison is spent"):  # params taken back to an earlier round
        mine.compare(exported["good"], replace(first, level=0.9, policy=""), begin=False)


def test_a_model_against_itself_is_no_use(mine: Gate, exported: dict[str, Path]) -> None:
    mine.compare(exported["good"])
    mine.promote(exported["good"])
    mine.compare(exported["good"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    assert mine.promote(exported["good"])["outcome"] == "refused"
    assert mine.read().ledger.comparisons == 1


def test_two_comparisons_at_once_are_not_both_the_first(
    mine: Gate, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is entered while this one still runs its models."""
    first, scoring = mine.begun(PARAMS), compare._score_all
    other = Gate(mine.root, mine.test)

    def slow(*arguments: object) -> object:
        monkeypatch.setattr(compare, "_score_all", scoring)
        other.compare(exported["bad"], first, begin=False)
        return scoring(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(compare, "_score_all", slow)
    with pytest.raises(InputError, match="the round's comparison is spent"):
        mine.compare(exported["good"], first, begin=False)
    assert mine.read().ledger.comparisons == 1


def test_promotion_holds_a_verdict_whose_number_is_taken(mine: Gate, exported: dict[str, Path]) -> None:
    """A branch made it as its first comparison; the registry it is merged into has seen another."""
    mine.compare(exported["bad"])
    seen = mine.read()
    Gate.fresh(mine.root, mine.test).compare(exported["good"])
    write_registry(mine.registry, seen)
    promotion = mine.promote(exported["good"])
    assert promotion["outcome"] == "held"
    assert "comparison 2 on its test set, not 1" in promotion["reason"]
    assert mine.read().ledger.comparisons == 2


def test_a_model_that_was_taken_back_is_held_until_it_is_named(mine: Gate, exported: dict[str, Path]) -> None:
    """The steps that rollback prints, by the commands themselves, under the default way of promoting."""
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    for name in ("bad", "good"):
        champion = mine.read().champion
        mine.compare(exported[name], replace(PARAMS, floor_ap=0.0, champion=champion.id if champion else ""))
        assert mine.promote(exported[name])["outcome"] == "promoted"
    params = mine.write_params(replace(PARAMS, floor_ap=0.0))
    rollback.command(to=bad, reason="misses cyclists", params=params)
    begin_round.command(params=params)
    outcomes = []
    for again in ([], [good], [good]):
        params.write_text(re.sub(r"again: \[.*\]", f"again: {json.dumps(again)}", params.read_text()))
        places = {"registry": mine.registry, "store": mine.store, "params": params}
        compare.command(candidate=exported["good"], test=mine.test, out=mine.root / "compare", **places)
        promote.command(
            comparison=mine.root / "compare", candidate=exported["good"], out=mine.root / "promote", **places
        )
        outcomes.append(json.loads((mine.root / "promote" / "promotion.json").read_text()))
    assert [each["outcome"] for each in outcomes] == ["held", "promoted", "promoted"]
    assert "misses cyclists" in outcomes[0]["reason"] and "promote.again" in outcomes[0]["fix"]
    assert mine.read().taken_back(good) is None


def test_the_same_weights_exported_again_stay_taken_back(mine: Gate, exported: dict[str, Path]) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    for name in ("bad", "good"):
        champion = mine.read().champion
        mine.compare(exported[name], replace(PARAMS, floor_ap=0.0, champion=champion.id if champion else ""))
        mine.promote(exported[name])
    rollback.run(bad, "because", registry=mine.registry, store=mine.store)
    registry, weights = mine.read(), mine.read().entry(good).lineage["student_sha256"]
    assert registry.taken_back("another id", weights) == registry.events[-1]
    assert registry.taken_back("another id", "other weights") is None
    assert registry.taken_back(bad) is None
