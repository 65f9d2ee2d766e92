"""`dataengine serve`: a model answers pictures over gRPC."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dataengine.errors import EnvironmentFault, install_extra
from dataengine.params import load_section
from dataengine.terminal.folders import kept_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

if TYPE_CHECKING:
    from .params import ServeParams

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def command(
    model: Annotated[Path, typer.Argument(help="Folder of an export, one of its files, or a checkpoint.")],
    shadow: Annotated[
        Path | None, typer.Option(help="A candidate that is asked the same, in the shadow: its answers go nowhere.")
    ] = None,
    shadow_out: Annotated[
        Path, kept_folder_option(help="Folder for the people on whom the candidate differs, and for the figures.")
    ] = Path("data/shadow"),
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What the model runs on.")] = "auto",
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Answer pictures with boxes over gRPC: joints and confidence of every person.

    Section `serve` of params.yaml has the address, TLS and token, and the limits. Requests of many clients are put
    together into batches. Those beyond serve.queue are refused (RESOURCE_EXHAUSTED), late ones are dropped before the
    network. Health checks answer at the same address, Prometheus metrics at serve.metrics_address. SIGTERM ends the
    service once the requests that it has taken in are answered.

    With --shadow a candidate answers next to the champion, never in its place. People on whom the two differ, by the
    OKS between their answers, are kept in --shadow-out; `ingest` takes that folder into the pool (format: shadow), and
    `compare --shadow` shows how often the two agree.

    Example: dataengine serve models/export --shadow models/candidate
    """
    try:
        import grpc  # noqa: F401  only whether it is there
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise EnvironmentFault("serve needs gRPC", got=str(error), fix=install_extra("serve")) from error
    from .params import ServeParams

    section = load_section(params, "serve", ServeParams)
    asyncio.run(run(section, model, shadow=shadow, shadow_out=shadow_out, device=device))


async def run(
    params: "ServeParams",
    model: Path,
    *,
    shadow: Path | None = None,
    shadow_out: Path = Path("data/shadow"),
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        DataEngineError: a model, an address, a certificate or the token is not what it should be.
    """
    from .access import access_of
    from .asked.metrics import ServingMetrics
    from .asked.served_model import served_model
    from .running import running_service
    from .shadow.opening import shadow_of

    access_of(params)  # before a model is loaded
    ended = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    champion, metrics = served_model(model, device), ServingMetrics()
    if champion.open.line:
        say(champion.open.line)
    with shadow_of(shadow, champion, shadow_out, params.shadow, metrics) as candidate:
        async with running_service(champion, params, candidate, metrics) as running:
            host = params.address.rpartition(":")[0]
            say(f"model {champion.id} answers at {host}:{running.port}")
            if running.metrics_port is not None:
                say(f"metrics at {params.metrics_address.rpartition(':')[0]}:{running.metrics_port}")
            await ended.wait()
            say("no new requests; those taken in are answered")
    say("stopped")
