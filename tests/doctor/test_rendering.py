from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.proofs import RememberedProof, proofs_file, read_proofs
from dataengine.doctor.rendering import check_blender, check_device, check_libraries
from dataengine.errors import EnvironmentFault

from .healthy import BLENDER, facts, project, record, said

BOTH = {"cuda": ["NVIDIA H200"], "optix": ["NVIDIA H200"], "hip": []}


def device(devices: dict[str, list[str]], wish: str, **proofs: RememberedProof) -> tuple[str, str]:
    blender = record(**{**BLENDER, "devices": devices})
    finding = check_device(facts(blender=blender, proofs=proofs, project=project(render={"device": wish})))
    return finding.status, said(finding)


def test_blender_is_shown_with_its_python() -> None:
    finding = check_blender(facts())
    assert finding.status == "ok"
    assert said(finding).startswith("4.5.15 LTS, Python 3.11.7, numpy 1.26.4; /home/ada")


def test_a_missing_interpreter_stops_rendering_alone() -> None:
    finding = check_blender(facts(blender=None, blender_python=""))
    assert finding.status == "fault"
    assert "no .venv-blender/bin/python; every stage but render works; make setup" in said(finding)
    named = check_blender(facts(blender=None, project=project(render={"python": "/opt/gone"})))
    assert "render.python: /opt/gone is not there" in named.found


def test_before_set_up_blender_is_installed_later_where_there_is_a_python_for_it() -> None:
    before = facts(blender=None, project=replace(project(), set_up="no"))
    assert (check_blender(before).status, check_blender(before).used) == ("note", "make repro installs it")
    without = check_blender(replace(before, python_for_blender=""))
    assert without.status == "fault"
    assert "install python3.11" in without.fix


@pytest.mark.parametrize("fault", ["no answer within 20 s", "crashed (SIGSEGV)", "ModuleNotFoundError: bpy"])
def test_a_blender_that_does_not_start_is_one_line(fault: str) -> None:
    finding = check_blender(facts(blender=Reply(fault=fault)))
    assert finding.status == "fault"
    assert fault in finding.found
    assert check_device(facts(blender=Reply(fault=fault))).status == "ok"


def test_missing_libraries_are_named_with_what_installs_them() -> None:
    fault = EnvironmentFault("Blender needs", got="no libXi.so.6", fix="on Debian: apt-get install libxi6")
    assert check_libraries(facts()).status == "ok"
    finding = check_libraries(facts(libraries_fault=fault))
    assert said(finding) == "no libXi.so.6; ; on Debian: apt-get install libxi6"
    assert finding.status == "fault"


def test_a_gpu_is_tried_when_render_starts() -> None:
    status, words = device(BOTH, "auto")
    assert status == "ok"
    assert words == "optix: NVIDIA H200; cuda: NVIDIA H200; optix, tried when render starts; "
    assert device({}, "auto") == ("ok", "no GPU that Blender can use; the CPU; ")
    assert device(BOTH, "cpu")[1].endswith("; the CPU; ")
    assert device(BOTH, "cuda")[1].endswith("; cuda, tried when render starts; ")


def test_what_is_remembered_decides() -> None:
    slow, works = RememberedProof(False, "no picture within 600 s"), RememberedProof(True, "")
    assert device(BOTH, "auto", optix=works)[1].endswith("optix, which gave a picture; ")
    assert device(BOTH, "auto", optix=slow)[1].endswith(
        "cuda, tried when render starts (optix: no picture within 600 s); "
    )
    status, words = device(BOTH, "auto", optix=slow, cuda=slow)
    assert status == "note"
    assert "the CPU, for no GPU gave a picture (optix: no picture within 600 s; cuda: no" in words
    assert str(proofs_file()) in words
    status, words = device(BOTH, "optix", optix=slow, cuda=works)
    assert status == "fault"
    assert "optix: no picture within 600 s; raise render.device_proof_s" in words


def test_what_render_remembers_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by the room's own functions, read by the kernel's."""
    from dataengine.blender.devices import memory, proof

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert proofs_file() == memory.memory_file()
    assert read_proofs(BOTH, "4.5.15") == {}
    memory.remember(memory.key_of("optix", ["NVIDIA H200"], "4.5.15"), proof.Proof(False, "no picture", 600.0, 600.0))
    memory.remember(memory.key_of("cuda", ["NVIDIA L4"], "4.5.15"), proof.Proof(True, "", 9.0))
    assert read_proofs(BOTH, "4.5.15") == {"optix": RememberedProof(False, "no picture")}
    assert read_proofs(BOTH, "5.0.1") == {}, "of another Blender"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"key": 1}', "\x00"])
def test_a_damaged_memory_is_none(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    proofs_file().parent.mkdir()
    proofs_file().write_text(text)
    assert read_proofs(BOTH, "4.5.15") == {}


def test_a_device_by_name_that_is_not_there_is_a_fault() -> None:
    status, words = device({"cuda": ["NVIDIA H200"]}, "hip")
    assert status == "fault"
    assert words.endswith("render.device: hip is not there; set render.device: auto")
