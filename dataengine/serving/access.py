"""Who may call, and where the service listens: TLS, the token, and what is refused before a port is opened."""

import hmac
import ipaddress
from pathlib import Path

import grpc

from dataengine.errors import InputError, ParamsError

from .params import ServeParams, TlsParams

BEARER = "Bearer "
LEAST_TOKEN = 16  # characters: shorter ones can be guessed


class Access:
    """What a call has to bring along."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    def allows(self, metadata: object) -> bool:
        """Whether the `metadata` of a call (pairs of key and value) has the token; compared in constant time."""
        if self._token is None:
            return True
        given = b""
        for key, value in metadata or ():  # type: ignore[attr-defined]  # grpc types it as anything
            if key == "authorization" and isinstance(value, str) and value.startswith(BEARER):
                given = value.removeprefix(BEARER).encode()
        return hmac.compare_digest(given, self._token)


def access_of(params: ServeParams) -> Access:
    """Read the token, and refuse addresses at which anybody could call.

    Raises:
        ParamsError: an address beyond this machine without TLS and a token, or metrics there, unless ``serve.open``.
        InputError: the token's file is missing, or its token is short.
    """
    secured = bool(params.tls.certificate and params.token_file)
    for name, address, safe in (
        ("address", params.address, secured),
        ("metrics_address", params.metrics_address, not params.metrics_address),
    ):
        host, _ = host_and_port(name, address) if address else ("", 0)
        if not (safe or params.open or is_loopback(host)):
            fix = "give serve.tls and serve.token_file, or set serve.open: true where the network is guarded"
            fix = fix if name == "address" else "take 127.0.0.1, or set serve.open: true where the network is guarded"
            raise ParamsError(
                f"serve.{name} is open to other machines", expected="a loopback address", got=address, fix=fix
            )
    return Access(_token(Path(params.token_file)) if params.token_file else None)


def credentials(tls: TlsParams) -> grpc.ServerCredentials | None:
    """What the port is opened with; None without TLS. Raises `InputError` where a file cannot be read."""
    if not tls.certificate:
        return None
    authority = _pem(tls.client_ca) if tls.client_ca else None
    return grpc.ssl_server_credentials(
        [(_pem(tls.key), _pem(tls.certificate))], authority, require_client_auth=authority is not None
    )


def host_and_port(name: str, address: str) -> tuple[str, int]:
    """The parts of ``host:port``, ``[::1]:port`` among them.

    >>> host_and_port("address", "[::1]:8500")
    ('::1', 8500)
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ParamsError(f"serve.{name}", expected="host:port", got=address)
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} holds no token", expected="a file with one line", got=str(error)) from error
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable():
        got = f"{len(token)} characters"
        raise InputError(f"the token in {path}", expected=f"{LEAST_TOKEN} or more printable ASCII characters", got=got)
    return token


def _pem(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read", expected="a PEM file", got=str(error.strerror)) from error
    if b"-----BEGIN" not in content:
        raise InputError(f"{path} is not a PEM file", expected="-----BEGIN ...", got=f"{len(content)} bytes")
    return content
