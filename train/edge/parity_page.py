"""`edge.md`: what a bundle weighs, and its joints and AP on emulated processors against this machine's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dataengine.files import atomic_path
from dataengine.terminal.speech import count

from .emulation import CPUS
from .parity import Parity

PAGE = "edge.md"


def write_page(path: Path, sizes: Mapping[str, int], rows: Sequence[Parity], *, people: int, source: str) -> None:
    """Write the page, atomically."""
    lines = [
        f"AP and joints are those of {count(people, 'person', 'people')} of {source}, found in their labelled boxes by",
        "the bundle's own run.py: on this x86-64, and on each processor that qemu-user emulates. Distances are between",
        "the two, pixels of the crop.",
        "",
        *(f"- {name} ({cpu.boards}): {cpu.int8}" for name, cpu in CPUS.items() if name in {row.cpu for row in rows}),
        "",
        "| network | processor | AP there | AP here | mean, px | 99 %, px | largest, px | moved > 0.5 px | --check |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        figures = f"{row.ap:.4f} | {row.ap_here:.4f} | {row.mean_px:.5f} | {row.p99_px:.4f} | {row.largest_px:.3f}"
        lines.append(f"| {row.network} | {row.cpu} | {figures} | {row.moved:.2%} | {row.check} |")
    lines += ["", "| file | bytes |", "|---|---:|"]
    lines += [f"| `{name}` | {size:,} |" for name, size in sizes.items() if "/pictures/" not in name]
    lines += [f"| all, `reference/pictures` included | {sum(sizes.values()):,} |", ""]
    with atomic_path(path) as partial:
        partial.write_text("\n".join(lines), encoding="utf-8")
