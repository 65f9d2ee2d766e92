"""The libraries that build and run engines, and what each serves: asked before it is used.

`tensorrt` builds on the GPU that will run the engine, and for that one alone. `tensorrt_rtx` needs no GPU to build: the
compute capabilities are named, out of the table that the library itself has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dataengine.errors import EnvironmentFault, ParamsError

LIBRARIES = ("tensorrt", "tensorrt_rtx")
"""In order of preference."""


@dataclass(frozen=True)
class EngineLibrary:
    """An installed library."""

    name: str
    version: str
    module: Any

    @property
    def served(self) -> tuple[str, ...]:
        """Compute capabilities that can be named when an engine is built, such as "8.6"; none where it has no table."""
        table = getattr(self.module, "ComputeCapability", None)
        names = [] if table is None else [name for name in table.__members__ if name.startswith("SM")]
        return tuple(f"{int(name[2:]) // 10}.{int(name[2:]) % 10}" for name in names)

    def serves(self, gpu: str) -> bool:
        """Whether engines run on a GPU of compute capability `gpu`: named in the table, or newer than all in it."""
        return not self.served or gpu in self.served or _order(gpu) > max(map(_order, self.served))

    def builds(self, gpu: str | None) -> bool:
        """Whether it can build on a machine with this GPU, or with none."""
        return bool(self.served) or gpu is not None


def gpu_capability() -> str | None:
    """Compute capability of the first CUDA device that PyTorch sees, which holds an engine's tensors; None: none."""
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
    """What builds engines here: the first installed of `LIBRARIES` that serves the GPU, or that can build at all.

    Raises:
        EnvironmentFault: none is installed, or the only one cannot build without a GPU.
    """
    found = [library for name in LIBRARIES if (library := installed(name)) is not None]
    able = [library for library in found if library.builds(gpu)]
    serving = [library for library in able if gpu is None or library.serves(gpu)]
    if not able:
        got = f"{found[0].name}, which builds only where a GPU is" if found else "none"
        fix = "pip install tensorrt-rtx-cu13, or set export.engine to false"
        raise EnvironmentFault("no library builds engines here", expected=" or ".join(LIBRARIES), got=got, fix=fix)
    return (serving or able)[0]


def engine_targets(library: EngineLibrary, wanted: Sequence[str], gpu: str | None) -> tuple[str, ...]:
    """The compute capabilities to build for: those `wanted`, else this machine's GPU; none leaves the library its own.

    Raises:
        ParamsError: the library does not serve one of those wanted.
    """
    if not wanted:
        return (gpu,) if gpu is not None and (gpu in library.served or not library.served) else ()
    served = library.served or ((gpu,) if gpu is not None else ())
    refused = [capability for capability in wanted if capability not in served]
    if refused:
        other = "tensorrt, on such a GPU" if library.served else "tensorrt_rtx"
        raise ParamsError(
            f"export.engine_capabilities: {library.name} {library.version} builds no engine for {', '.join(refused)}",
            expected="some of " + ", ".join(served),
            got=", ".join(wanted),
            fix=f"name others, or build with {other}",
        )
    return tuple(wanted)


def library_for_engine(name: str, capabilities: Sequence[str], gpu: str | None) -> EngineLibrary:
    """The library that runs an engine which `name` built for `capabilities` on this machine's GPU.

    Raises:
        EnvironmentFault: there is no GPU, the library is not installed, or it or the engine does not serve the GPU.
    """
    if gpu is None:
        fix = "use the ONNX file, or runner auto"
        raise EnvironmentFault("an engine runs on a CUDA device", got="none that PyTorch sees", fix=fix)
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
            fix="export again on this machine, or name it in export.engine_capabilities",
        )
    return library


def _order(capability: str) -> tuple[int, ...]:
    return tuple(int(part) for part in capability.split("."))
