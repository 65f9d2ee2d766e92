"""Section `deploy` of params.yaml."""

import re
from dataclasses import dataclass

from dataengine.errors import ParamsError

from ..deploy.params import GraphNetwork

NAME = re.compile(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?")
SIZE = re.compile(r"[1-9][0-9]*(Mi|Gi)")


@dataclass(frozen=True)
class DeployParams:
    """What is served, and on how much hardware."""

    name: str = "pose"
    """Name of the ensemble, and of everything in the cluster."""
    network: GraphNetwork = "fp32"
    """The file of the export that is run: fp32, fp16 (for GPUs), int8 (for CPUs with VNNI)."""
    image: str = "tritonserver:25.10-py3"
    """Triton's image, as your registry names it; used by the plain Deployment."""
    storage: str = "pvc://models/triton"
    """Where the folder triton/ is put for the cluster to read: pvc://CLAIM/PATH."""
    max_batch: int = 64
    """Most people that the network is shown at once."""
    queue_delay_us: int = 2000
    """How long Triton holds a batch that is not full."""
    gpus: int = 0
    """In a replica."""
    cpus: int = 2
    memory: str = "4Gi"
    min_replicas: int = 1
    max_replicas: int = 4
    target_cpu_percent: int = 70
    """Load of the CPUs at which Kubernetes adds replicas."""
    target_concurrency: int = 8
    """Requests at once in a replica, at which KServe adds more."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ParamsError("name", expected="letters a-z, digits and dashes, a letter first", got=repr(self.name))
        if not SIZE.fullmatch(self.memory):
            raise ParamsError("memory", expected="such as 4Gi or 512Mi", got=repr(self.memory))
        claim, _, path = self.storage.removeprefix("pvc://").partition("/")
        if not self.storage.startswith("pvc://") or not NAME.fullmatch(claim) or ".." in path.split("/"):
            raise ParamsError("storage", expected="pvc://CLAIM/PATH", got=repr(self.storage))
        for name in ("max_batch", "cpus", "min_replicas", "target_concurrency"):
            if getattr(self, name) < 1:
                raise ParamsError(name, expected="1 or more", got=str(getattr(self, name)))
        if self.max_replicas < self.min_replicas:
            raise ParamsError("max_replicas", expected="min_replicas or more", got=str(self.max_replicas))
        if self.gpus < 0 or self.queue_delay_us < 0 or not 1 <= self.target_cpu_percent <= 100:
            raise ParamsError("gpus, queue_delay_us, target_cpu_percent", expected="0 or more, 0 or more, 1 to 100")
