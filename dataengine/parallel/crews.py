"""What a crew of workers must do: take items, and say what became of them."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True)
class Died:
    """A worker was lost with the item that it had."""

    why: str


@dataclass(frozen=True)
class Handed:
    """What a worker handed back for an item."""

    index: int
    """The item's number."""
    outcome: bytes | Died
    """What `worker.answer` wrote, or that nothing did."""


class Crew(Protocol):
    """Workers that take one item each at a time. To be used in a ``with`` block, which ends them."""

    def __enter__(self) -> Self:
        """Itself; workers may start later, with their first item."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers, those that are at work as well."""

    def room(self) -> int:
        """How many items may be out at a time; it may change as machines come and go."""

    def give(self, index: int, item: bytes) -> None:
        """Have a worker do the pickled item."""

    def collect(self) -> list[Handed]:
        """Wait until something came back."""
