"""The processes that share a fit when torchrun starts several; one process alone is a group of one.

Each rank fits its part of every batch; DistributedDataParallel averages the gradients. Rank 0 validates, saves and
writes; the others wait for it.

Batch norm takes its statistics over a rank's part: losses and gradients of n ranks are those of one process with the
same `batch` and n times `accumulate`, not of one with n times `batch`. Its running statistics, which
validation reads, are rank 0's: they move once a step, where one process moves them with every accumulated batch.

Start with ``torchrun --nproc_per_node 2 -m dataengine.cli fit-student ...``: `batch` samples on each rank. When a rank
is lost the others end too (`lost_ranks.py`), and the same command, or torchrun's ``--max-restarts``, resumes the fit.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as distributed
import torch.distributed.nn  # before a group is joined: imported after, by DistributedDataParallel, it holds the group
from numpy.typing import NDArray
from torch.distributed.rendezvous import rendezvous

from dataengine.errors import EnvironmentFault
from dataengine.mixing import rank_places

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that share a fit."""

    rank: int = 0
    world: int = 1

    @classmethod
    def of_environment(cls, device: torch.device) -> "Ranks":
        """The place that torchrun's variables give; joins the group, by NCCL on GPUs (one a process), by gloo on CPUs.

        Raises:
            EnvironmentFault: torchrun started more processes than there are GPUs.
        """
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls()
        if device.type == "cuda":
            _take_gpu(int(os.environ["LOCAL_RANK"]))
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", **_store_of_this_start())
        return cls(distributed.get_rank(), world)

    @property
    def is_first(self) -> bool:
        """Whether this process validates, saves and writes."""
        return self.rank == 0

    def places(self, drawn: int, batch: int) -> NDArray[np.int64]:
        """This rank's places in an epoch of `drawn` samples, when all ranks together take `batch` in a step."""
        return rank_places(drawn, batch, self.rank, self.world)

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of all ranks' scalars, in float64 and without waiting for the device."""
        summed = value.to(torch.float64, copy=True)
        if self.world > 1:
            distributed.all_reduce(summed)
        return summed

    def same_buffers(self, net: torch.nn.Module) -> None:
        """Give every rank the first one's running statistics of `net`."""
        if self.world > 1:
            for buffer in net.buffers():
                distributed.broadcast(buffer, 0)

    def from_first(self, make: Callable[[], T]) -> T:
        """What rank 0 makes, on every rank."""
        if self.world == 1:
            return make()
        box = [make() if self.is_first else None]
        distributed.broadcast_object_list(box)
        made: T = box[0]  # type: ignore[assignment]
        return made

    def leave(self) -> None:
        """Leave the group, once nothing holds it any more.

        Whatever still does (DistributedDataParallel, say) keeps gloo's threads alive, and one of them that frees a
        tensor while Python shuts down aborts the process.
        """
        if self.world > 1:
            distributed.destroy_process_group()


def _store_of_this_start() -> dict[str, Any]:
    """Where ranks that torchrun starts again leave their addresses apart from those of the start before.

    PyTorch has all starts share one store, in which a rank may find the address of a process that is gone, and wait for
    it (pytorch/pytorch#135712). Starts are counted by each node alone, so ranks of several nodes have no number in
    common; there ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1`` keeps the starts apart.
    """
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT")
    if start is None or os.environ.get("LOCAL_WORLD_SIZE") != os.environ["WORLD_SIZE"]:
        return {}
    store, rank, world = next(rendezvous("env://"))
    return {"store": distributed.PrefixStore(f"start-{start}", store), "rank": rank, "world_size": world}


def _take_gpu(local_rank: int) -> None:
    count = torch.cuda.device_count()
    if local_rank >= count:
        got, fix = f"rank {local_rank}", f"take --nproc_per_node {count}, or set device to cpu in params.yaml"
        raise EnvironmentFault("more processes than GPUs", expected=f"{count} at most", got=got, fix=fix)
    torch.cuda.set_device(local_rank)
