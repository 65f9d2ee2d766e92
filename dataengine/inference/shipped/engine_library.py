"""The libraries that build and run engines, and which GPUs each serves, checked before it is used.

`tensorrt` builds on the GPU that will run the engine, and for that one alone. `tensorrt_rtx` needs no GPU to build: the
compute capabilities are named, from the library's own table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dataengine.errors import EnvironmentFault, ParamsError

LIBRARIES = ("tensorrt", "tensorrt_rtx")
"""Names of the libraries, in order of preference."""


@dataclass(frozen=True)
class EngineLibrary:
    """An installed library."""

    name: str
    version: str
    module: Any

    @property
    def served(self) -> tuple[str, ...]:
        """Compute capabilities that can be named when an engine is built, such as "8.6"; empty if it has no table."""
        table = getattr(self.module, "ComputeCapability", None)
        names = [] if table is None else [name for name in table.__members__ if name.startswith("SM")]
        return tuple(f"{int(name[2:]) // 10}.{int(name[2:]) % 10}" for name in names)

    def serves(self, gpu: str) -> bool:
        """Whether engines run on a GPU of compute capability `gpu`: one in the table, or newer than all of them."""
        return not self.served or gpu in self.served or _order(gpu) > max(map(_order, self.served))

    def builds(self, gpu: str | None) -> bool:
        """Whether it can build on a machine with this GPU, or with none."""
        return bool(self.served) or gpu is not None


def gpu_capability() -> str | None:
    """Compute capability of the first CUDA device that PyTorch sees, which holds an engine's tensors; None if none."""
    import torch

    if not torch.cuda.is_available():
        return None
    major, minor = torch.cuda.get_device_capability()
    return f"{major}.{minor}"


def installed(name: str) -> EngineLibrary | None:
    """The library of that name, if it can be imported."""
    try:
        module = import_module(name)
    except ImportError:
        return None
    return EngineLibrary(name, str(module.__version__), module)


def find_library(gpu: str | None) -> EngineLibrary:
    """The library that builds engines here: the first of `LIBRARIES` that serves the GPU, or that can build at all.

    Raises:
        EnvironmentFault: none is installed, or the only one cannot build without a GPU.
    """
    libraries = [library for name in LIBRARIES if (library := installed(name)) is not None]
    builders = [library for library in libraries if library.builds(gpu)]
    serving_builders = [library for library in builders if gpu is None or library.serves(gpu)]
    if not builders:
        got = f"{libraries[0].name}, which builds only where there is a GPU" if libraries else "none"
        fix = "pip install tensorrt-rtx-cu13, or set export.engine to false"
        raise EnvironmentFault("no library builds engines here", expected=" or ".join(LIBRARIES), got=got, fix=fix)
    return (serving_builders or builders)[0]


def engine_targets(library: EngineLibrary, capabilities: Sequence[str], gpu: str | None) -> tuple[str, ...]:
    """The compute capabilities to build for: `capabilities`, else this machine's GPU; empty for the library's choice.

    Raises:
        ParamsError: the library does not serve one of `capabilities`.
    """
    if not capabilities:
        return (gpu,) if gpu is not None and (gpu in library.served or not library.served) else ()
    served = library.served or ((gpu,) if gpu is not None else ())
    unserved = [capability for capability in capabilities if capability not in served]
    if unserved:
        other = "tensorrt, on such a GPU" if library.served else "tensorrt_rtx"
        raise ParamsError(
            f"params export.engine_capabilities: {library.name} {library.version} builds no engine for "
            + ", ".join(unserved),
            expected="some of " + ", ".join(served),
            got=", ".join(capabilities),
            fix=f"name others, or build with {other}",
        )
    return tuple(capabilities)


def library_for_engine(name: str, capabilities: Sequence[str], gpu: str | None) -> EngineLibrary:
    """The library that runs an engine which `name` built for `capabilities` on this machine's GPU.

    Raises:
        EnvironmentFault: the machine has no GPU, the library is missing, or it or the engine does not serve the GPU.
    """
    if gpu is None:
        fix = "use the ONNX file, or runner auto"
        raise EnvironmentFault("an engine needs a CUDA device", got="none that PyTorch sees", fix=fix)
    library = installed(name)
    if library is None:
        fix = f"install {name}, or export again on this machine"
        raise EnvironmentFault(f"the engine was built by {name}", got="it is not installed", fix=fix)
    if not library.serves(gpu):
        raise EnvironmentFault(
            f"{library.name} {library.version} runs no engine on compute capability {gpu}",
            expected=", ".join(library.served),
            fix="pip install tensorrt, which serves it, and export again on this machine; or use runner auto",
        )
    if capabilities and gpu not in capabilities:
        raise EnvironmentFault(
            f"the engine is not built for compute capability {gpu}",
            got=", ".join(capabilities),
            fix="export again on this machine, or add it to export.engine_capabilities",
        )
    return library


def _order(capability: str) -> tuple[int, ...]:
    return tuple(int(part) for part in capability.split("."))
