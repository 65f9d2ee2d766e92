import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.registry.ledger import ComparedInputs, Ledger, TestUse, pictures_name
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry, write_registry


def use(candidate: str, pictures: tuple[str, ...], version: str = "", evidence: str = "e", **changes: str) -> TestUse:
    inputs = ComparedInputs(
        candidate, "champion", "t", version, pictures_name(pictures), "p", "policy", "onnx-cpu", "COCO"
    )
    return TestUse("2026-01-01T00:00:00+00:00", replace(inputs, **changes), 0.005, "reject", evidence)


def ledger(*lines: tuple[TestUse, tuple[str, ...]]) -> Ledger:
    result = Ledger()
    for line, pictures in lines:
        result = result.with_use(line, pictures)
    return result


AB, BC, CD = ("a", "b"), ("b", "c"), ("c", "d")


def test_a_use_counts_on_every_set_that_shares_a_picture_or_the_version() -> None:
    worn = ledger((use("m", AB, "1"), AB), (use("n", BC, "2"), BC))

    def earlier(pictures: tuple[str, ...], version: str) -> list[str]:
        return [each.inputs.candidate for each in worn.earlier(use("x", pictures, version).inputs, pictures)]

    assert earlier(("b",), "3") == ["m", "n"]
    assert earlier(CD, "3") == ["n"], "what was compared on a and b says nothing about c and d"
    assert earlier(("z",), "1") == ["m"]
    assert earlier(("z",), "") == [], "sets without a version have none in common"


def test_the_same_inputs_count_once_and_keep_their_place() -> None:
    first, second = use("m", AB), use("n", AB)
    other_machine = replace(first, evidence_sha256="last digits differ")
    worn = ledger((first, AB), (second, AB), (other_machine, AB), (first, AB))
    assert worn.uses == (first, second, other_machine)
    assert worn.comparisons == 2
    assert worn.earlier(first.inputs, AB) == []
    assert worn.earlier(use("o", AB).inputs, AB) == [first, second]


@pytest.mark.parametrize(
    "field", ["candidate", "champion", "test_sha256", "parts_sha256", "policy", "runner", "version"]
)
def test_whatever_changes_makes_another_comparison(field: str) -> None:
    one = use("m", AB)
    assert replace(one.inputs, **{field: "other"}).id != one.inputs.id


def test_a_new_comparison_has_to_follow_the_head_of_its_round() -> None:
    empty, one = Ledger(), ledger((use("m", AB), AB))
    new = use("n", AB).inputs
    assert empty.refusal(new, "") == one.refusal(new, one.head) == ""
    assert "spent: 1 since it began, the last of m against champion by the policy policy" in one.refusal(new, "")
    assert one.refusal(use("m", AB).inputs, "") == "", "it is the comparison of that round"
    two = one.with_use(use("n", AB), AB)
    assert "spent: 1 since" in two.refusal(use("o", AB).inputs, one.head)
    assert "spent: 2 since" in two.refusal(use("o", AB).inputs, "")
    assert "lacks the line" in one.refusal(new, two.head)
    assert two.refusal(replace(new, candidate="champion"), "") == "", "a model against itself spends nothing"
    assert two.with_use(use("champion", AB), AB) is two


@given(st.lists(st.tuples(st.sampled_from("mno"), st.sampled_from([AB, BC, CD]), st.sampled_from(["", "1"]))))
def test_the_count_is_that_of_a_loop_over_sets(lines: list[tuple[str, tuple[str, ...], str]]) -> None:
    filled = ledger(*((use(model, pictures, version), pictures) for model, pictures, version in lines))
    seen: list[tuple[str, tuple[str, ...], str]] = []
    for line in lines:
        if line not in seen:
            seen.append(line)
    wanted = sum(bool(set(pictures) & set(BC)) or version == "1" for _, pictures, version in seen)
    assert len(filled.earlier(use("new", BC, "1").inputs, BC)) == wanted
    assert filled.comparisons == len(seen)


def test_it_is_read_back_and_a_change_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    worn = Registry(ledger=ledger((use("m", AB, "1"), AB), (use("n", BC), BC)))
    write_registry(path, worn)
    assert read_registry(path) == worn
    record = json.loads(path.read_text())
    first, second = record["comparisons"]
    for lines in (
        [second],
        [second, first],
        [first | {"decision": "promote"}, second],
        [first | {"share": 0.0}, second],
    ):
        path.write_text(json.dumps(record | {"comparisons": lines}))
        with pytest.raises(InputError, match="changed by hand"):
            read_registry(path)
    picture_lists: list[dict[str, list[str]]] = [{}, record["pictures"] | {pictures_name(AB): ["z"]}]
    for pictures in picture_lists:
        path.write_text(json.dumps(record | {"pictures": pictures}))
        with pytest.raises(InputError, match="list of pictures"):
            read_registry(path)
    path.write_text(json.dumps(record | {"comparisons": [first | {"decision": 1}]}))
    with pytest.raises(InputError, match=r"comparisons\.decision: expected a text"):
        read_registry(path)
