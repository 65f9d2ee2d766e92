"""Who may call: the token, TLS, and the addresses that are refused before a port is opened."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dataengine.errors import DataEngineError, ParamsError
from dataengine.serving.access import access_of
from dataengine.serving.client import PoseClient, ServiceRefusal
from dataengine.serving.params import ServeParams, TlsParams

from .made import BOXES, export_of, limited, png, service

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_of(tmp_path_factory.mktemp("guarded") / "net", seed=0)


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return str(tmp_path / "token")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> TlsParams:
    """A certificate for localhost that signed itself."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pkcs8, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, bare))
    return TlsParams(str(folder / "certificate.pem"), str(folder / "key.pem"))


def test_a_call_without_the_token_is_refused(export: Path, token_file: str) -> None:
    with service(export, limited(token_file=token_file)) as running:
        where = f"127.0.0.1:{running.port}"
        for token in (None, "another-token-of-some-length", TOKEN[:-1], ""):
            with PoseClient(where, token=token, deadline_s=60) as client:
                for call in (lambda c=client: c.find(png(), BOXES), client.describe):
                    with pytest.raises(ServiceRefusal, match="UNAUTHENTICATED: the token is missing or wrong"):
                        call()
                with pytest.raises(ServiceRefusal, match="UNAUTHENTICATED"):
                    list(client.find_many([(png(), BOXES)]))
        with PoseClient(where, token=TOKEN, deadline_s=60) as client:
            assert len(client.find(png(), BOXES)) == 2
        with grpc.insecure_channel(where) as channel:  # whoever watches the service has no token
            state = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
            assert state.status == health_pb2.HealthCheckResponse.SERVING


def test_tls_is_asked_for(export: Path, certificate: TlsParams) -> None:
    with service(export, limited(tls=certificate)) as running:
        where = f"localhost:{running.port}"
        with PoseClient(where, root_certificate=certificate.certificate, deadline_s=60) as client:
            assert len(client.find(png(), BOXES)) == 2
        with PoseClient(where, deadline_s=60) as client, pytest.raises(ServiceRefusal, match="UNAVAILABLE"):
            client.describe()


def test_clients_need_a_certificate_where_one_is_asked_for(export: Path, certificate: TlsParams) -> None:
    asking = TlsParams(certificate.certificate, certificate.key, client_ca=certificate.certificate)
    with service(export, limited(tls=asking)) as running:
        where = f"localhost:{running.port}"
        refused = pytest.raises(ServiceRefusal, match="UNAVAILABLE")
        with PoseClient(where, root_certificate=certificate.certificate, deadline_s=60) as client, refused:
            client.describe()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"address": "0.0.0.0:8500"}, "serve.address is open to other machines: .* serve.tls and serve.token_file"),
        ({"address": "[::]:8500"}, "serve.address is open to other machines"),
        ({"address": "example.org:8500"}, "serve.address is open to other machines"),
        ({"metrics_address": "0.0.0.0:9464"}, "serve.metrics_address is open to other machines: .* take 127.0.0.1"),
        ({"address": "8500"}, "serve.address: expected host:port, got 8500"),
        ({"address": "127.0.0.1:99999"}, "serve.address: expected host:port"),
        ({"token_file": "nowhere"}, "nowhere holds no token"),
    ],
)
def test_addresses_that_anybody_reaches_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(DataEngineError, match=message):
        access_of(ServeParams(**values))  # type: ignore[arg-type]


def test_tls_and_token_open_an_address_and_so_does_the_word(certificate: TlsParams, token_file: str) -> None:
    with pytest.raises(ParamsError, match="open to other machines"):
        access_of(ServeParams(address="0.0.0.0:1", tls=certificate))
    with pytest.raises(ParamsError, match="open to other machines"):
        access_of(ServeParams(address="0.0.0.0:1", token_file=token_file))
    access_of(ServeParams(address="0.0.0.0:1", tls=certificate, token_file=token_file))
    access_of(ServeParams(address="0.0.0.0:1", open=True))
    access_of(ServeParams(address="[::1]:1", metrics_address=""))


def test_bad_files_are_one_line(export: Path, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abc")
    with pytest.raises(DataEngineError, match="expected 16 or more printable ASCII characters, got 3 characters"):
        access_of(ServeParams(token_file=str(tmp_path / "short")))
    for tls in (TlsParams("gone", "gone"), TlsParams(str(tmp_path / "short"), str(tmp_path / "short"))):
        refused = pytest.raises(DataEngineError, match=r"cannot be read|is not a PEM file")
        with refused, service(export, limited(tls=tls)):
            pass
    with pytest.raises(ParamsError, match="both certificate and key"):
        TlsParams(certificate="a")


@pytest.mark.parametrize("values", [{"queue": 0}, {"batch": 0}, {"deadline_s": 0.0}, {"wait_ms": -1.0}])
def test_params_are_checked(values: dict[str, float]) -> None:
    with pytest.raises(ParamsError):
        ServeParams(**values)  # type: ignore[arg-type]
