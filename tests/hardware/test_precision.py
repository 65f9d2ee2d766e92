"""Which precision is chosen: by the instructions that PyTorch reports, and by times that are handed in."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dataengine.hardware import precision
from dataengine.hardware.precision import (
    CLEARLY_SLOWER,
    ChosenPrecision,
    bf16_unit,
    choose_precision,
    judge_precision,
    seconds_per_step,
)

CPU = torch.device("cpu")
FAST, SLOW = {"fp32": 0.02, "bf16": 0.01}, {"fp32": 0.02, "bf16": 0.18}


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Measurements are kept for a process."""
    seconds_per_step.cache_clear()
    yield
    seconds_per_step.cache_clear()


def machine(monkeypatch: pytest.MonkeyPatch, onednn: bool, seconds: Mapping[str, float], **flags: Any) -> None:
    """A CPU with these instructions, on which a step takes these times."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64", **flags})
    monkeypatch.setattr(precision, "seconds_per_step", lambda device: seconds)


def never(device: torch.device) -> Mapping[str, float]:
    raise AssertionError("there is nothing to measure")


def test_bf16_is_taken_where_there_are_instructions_and_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, True, FAST, avx512_bf16=True)
    assert choose_precision("auto", CPU) == ChosenPrecision(
        "bf16", "AVX512-BF16: a convolution takes 0.50 of fp32's time"
    )
    machine(monkeypatch, True, FAST, avx512_bf16=True, amx_bf16=True)
    assert choose_precision("auto", CPU).reason.startswith("AMX:")


@pytest.mark.parametrize(
    ("onednn", "flags"),
    [
        (False, {"avx2": True}),  # AVX2 alone
        (True, {"avx512_f": True, "avx512_bf16": False}),  # oneDNN calls AVX-512 enough, and converts
        (False, {"avx512_bf16": True}),  # ONEDNN_MAX_CPU_ISA=AVX2 on a newer CPU
    ],
)
def test_without_the_instructions_fp32_is_taken_unmeasured(
    onednn: bool, flags: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, onednn, FAST, **flags)
    monkeypatch.setattr(precision, "seconds_per_step", never)
    assert choose_precision("auto", CPU) == ChosenPrecision("fp32", "this CPU has no instructions for bf16")


def test_instructions_that_turn_out_slower_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, True, SLOW, avx512_bf16=True)
    chosen = choose_precision("auto", CPU)
    assert chosen.name == "fp32"
    assert "AVX512-BF16" in chosen.reason and "9.0 times slower" in chosen.reason


def test_a_wish_is_granted_and_its_price_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, False, SLOW, avx2=True)
    chosen = choose_precision("bf16", CPU)
    assert chosen.name == "bf16"
    assert "emulated" in chosen.reason and "9.0 times slower" in chosen.reason and "\n" not in chosen.reason
    monkeypatch.setattr(precision, "seconds_per_step", never)
    assert [choose_precision(wish, CPU).name for wish in ("fp32", "fp16")] == ["fp32", "fp16"]


def test_other_processors_are_judged_by_onednn_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, True, FAST, architecture="aarch64")
    assert bf16_unit(CPU) == "this CPU"
    machine(monkeypatch, False, FAST, architecture="aarch64")
    assert bf16_unit(CPU) is None


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.sampled_from([None, "AMX"]))
def test_the_judgement_is_the_faster_one(fp32: float, bf16: float, unit: str | None) -> None:
    chosen = judge_precision(unit, {"fp32": fp32, "bf16": bf16})
    limit = CLEARLY_SLOWER if unit else 1
    assert chosen.name == ("bf16" if bf16 / fp32 <= limit else "fp32")
    assert "\n" not in chosen.reason


def test_a_measurement_is_made_once_and_draws_no_random_numbers() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    seconds = seconds_per_step(CPU)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    assert set(seconds) == {"fp32", "bf16"}
    assert all(value > 0 for value in seconds.values())
    assert seconds_per_step(CPU) is seconds


def test_this_processor_is_as_it_says() -> None:
    """What is decided here and now agrees with the instructions in /proc/cpuinfo, unless oneDNN is held back."""
    unit = bf16_unit(CPU)
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        flags = file.read().split()
    assert unit is None or "avx512_bf16" in flags or "amx_bf16" in flags or "bf16" in flags
    assert choose_precision("auto", CPU).name in (("bf16", "fp32") if unit else ("fp32",))


@pytest.mark.gpu
def test_a_gpu_is_judged_by_its_tensor_cores() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device that PyTorch sees")
    device = torch.device("cuda")
    native = torch.cuda.get_device_properties(device).major >= 8
    assert (bf16_unit(device) is not None) == native
    assert choose_precision("auto", device).name == ("bf16" if native else "fp32")
