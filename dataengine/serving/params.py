"""Section `serve` of params.yaml."""

from dataclasses import dataclass, field

from dataengine.errors import ParamsError
from dataengine.serving.shadow.params import ShadowParams


@dataclass(frozen=True)
class TlsParams:
    """Paths of PEM files; all empty: no encryption."""

    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    """Whoever signed the clients' certificates, which are then asked for."""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ParamsError("tls", expected="both certificate and key, or neither", got="one of them")
        if self.client_ca and not self.certificate:
            raise ParamsError("tls.client_ca", expected="a certificate and a key of the service, too")


@dataclass(frozen=True)
class ServeParams:
    """Where the service listens, to whom it answers, and how much it takes at once."""

    address: str = "127.0.0.1:8500"
    """Port 0 takes a free one."""
    metrics_address: str = "127.0.0.1:9464"
    """Prometheus metrics, plain HTTP; empty: none."""
    tls: TlsParams = field(default_factory=TlsParams)
    token_file: str = ""
    """File with the token that calls have to bring; empty: none."""
    open: bool = False
    """Whether it may listen beyond this machine without TLS and a token, and show metrics there."""
    batch: int = 16
    """Most people that the network is shown at once."""
    wait_ms: float = 2.0
    """How long a batch that is not full waits for more."""
    queue: int = 64
    """Requests taken in and not answered yet; more are refused with RESOURCE_EXHAUSTED."""
    decoders: int = 2
    """Threads that decode pictures and cut crops."""
    deadline_s: float = 10.0
    """The longest that a request is kept; the client's own deadline counts where it is sooner."""
    largest_mb: float = 8.0
    """Size of a request."""
    largest_mpx: float = 50.0
    """Million pixels of a picture."""
    most_people: int = 32
    """In one request."""
    in_flight: int = 8
    """Requests of one stream taken in at a time; the stream's others wait at the client."""
    grace_s: float = 10.0
    """How long running calls have to end after SIGTERM."""
    shadow: ShadowParams = field(default_factory=ShadowParams)

    def __post_init__(self) -> None:
        for name in ("batch", "queue", "decoders", "most_people", "in_flight"):
            if getattr(self, name) < 1:
                raise ParamsError(name, expected="1 or more", got=str(getattr(self, name)))
        for name in ("deadline_s", "largest_mb", "largest_mpx"):
            if not 0 < getattr(self, name) < 1e6:
                raise ParamsError(name, expected="more than 0", got=str(getattr(self, name)))
        for name in ("wait_ms", "grace_s"):
            if not 0 <= getattr(self, name) < 1e6:
                raise ParamsError(name, expected="0 or more", got=str(getattr(self, name)))

    @property
    def largest_bytes(self) -> int:
        """Size of a request."""
        return int(self.largest_mb * 1_000_000)
