import socket
from pathlib import Path

import pytest

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.curation import check_app_port, check_database, check_fiftyone
from dataengine.doctor.database import URI, Database, find_database, parse_uri
from dataengine.doctor.environment import port_fault

from .healthy import facts, project, said

RUNS = "#!/bin/sh\necho 'db version v6.0.5'\necho more\n"
LACKS_LIBRARY = "#!/bin/sh\necho 'error while loading shared libraries: libcurl.so.4' >&2\nexit 127\n"
HANGS = "#!/bin/sh\nexec sleep 30\n"


def test_a_mongod_that_does_not_run_stops_select_where_it_builds_a_dataset() -> None:
    broken = Database("/x/mongod", False, Reply(fault="error while loading shared libraries: libcurl.so.4"))
    finding = check_database(facts(database=broken))
    assert finding.status == "fault"
    assert "libcurl.so.4" in finding.found
    assert "FIFTYONE_DATABASE_URI" in finding.fix
    without = project(select={"fiftyone": False})
    assert check_database(facts(database=broken, project=without)).status == "note"
    assert check_fiftyone(facts(fiftyone="", project=without)).status == "note"
    assert check_fiftyone(facts(fiftyone="")).status == "fault"
    assert check_database(facts(database=None)).status == "note"


def test_a_folder_that_cannot_be_written_is_a_fault() -> None:
    finding = check_database(facts(database=Database("/x", False, Reply("mongod 6"), "/root cannot be written to")))
    assert finding.status == "fault"
    assert "/root cannot be written to" in said(finding)
    assert "FIFTYONE_DATABASE_DIR" in finding.fix


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("mongodb://ada:secret@db.lab:27018/?ssl=true", ("db.lab", 27018)),
        ("mongodb://db.lab", ("db.lab", 27017)),
        ("mongodb://a:1,b:2/x", ("a", 1)),
    ],
)
def test_a_named_server_is_shown_without_its_password(uri: str, place: tuple[str, int]) -> None:
    assert parse_uri(uri) == place


@pytest.mark.parametrize("uri", ["nonsense", "mongodb://", "mongodb://[::1"])
def test_an_address_that_is_none_is_a_fault_in_words(uri: str) -> None:
    found = find_database(5, {URI: uri})
    assert found is not None
    assert (found.where, bool(found.answer.fault)) == (URI, True)


def test_a_named_server_is_reached_or_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        there = find_database(5, {URI: f"mongodb://ada:secret@127.0.0.1:{port}"})
        assert there is not None
        assert said(check_database(facts(database=there))) == f"a server that answers; at 127.0.0.1:{port}; "
    gone = find_database(5, {URI: f"mongodb://ada:secret@127.0.0.1:{port}"})
    assert gone is not None
    finding = check_database(facts(database=gone))
    assert (finding.status, finding.fix) == ("fault", f"start it, or unset {URI}")
    assert "secret" not in said(finding)


@pytest.mark.parametrize(
    ("script", "text", "fault"),
    [(RUNS, "mongod 6.0.5", ""), (LACKS_LIBRARY, "", "libcurl.so.4"), (HANGS, "", "no answer within 0.5 s")],
)
def test_the_program_that_fiftyone_would_start_is_run(
    script: str, text: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mongod = tmp_path / "fiftyone" / "db" / "bin" / "mongod"
    mongod.parent.mkdir(parents=True)
    (tmp_path / "fiftyone" / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    mongod.write_text(script)
    mongod.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    found = find_database(0.5, {"FIFTYONE_DATABASE_DIR": str(tmp_path / "new" / "folder")})
    assert found is not None
    assert (found.where, found.folder_fault, found.answer.text) == (str(mongod), "", text)
    assert fault in found.answer.fault
    assert bool(fault) == bool(found.answer.fault)


def test_a_taken_port_is_noticed_and_stops_the_app_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = port_fault("127.0.0.1", port)
    assert "in use" in taken
    assert port_fault("127.0.0.1", port) == ""
    finding = check_app_port(facts(app_port_fault=taken, project=project(app={"port": port})))
    assert finding.status == "note"
    assert f"127.0.0.1:{port}: {taken}; dataengine app cannot start; end what listens there" in said(finding)


@pytest.mark.parametrize(("address", "port"), [("no.such.host.invalid", 5151), ("127.0.0.1", 70_000)])
def test_an_address_that_makes_no_sense_is_a_fault_in_words(address: str, port: int) -> None:
    assert port_fault(address, port)
