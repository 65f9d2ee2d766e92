"""Section `app` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from dataengine.errors import ParamsError

SECTION = "app"


@dataclass(frozen=True)
class AppParams:
    """Section `app` of params.yaml."""

    selection: str
    """Folder that `select` wrote."""
    port: int
    """TCP port of the App."""
    address: str = "127.0.0.1"
    """Address to listen on. The App has no password: any address but loopback shows your images to the network."""

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ParamsError("port", expected="1 to 65535", got=str(self.port))
