"""Whether what people and rounds made is committed: it travels with git alone, and only together does it agree."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import StateFinding, finding
from .kept import Kept

GROUP = "git"
UNMERGED = frozenset({"DD", "AU", "UD", "UA", "DU", "AA", "UU"})


def check_committed(kept: Kept) -> Iterator[StateFinding]:
    """Changes to registry, labels, records, params and dvc.lock that no commit has, and unsettled merges of them."""
    places = [kept.registry, kept.labels, kept.rounds, kept.params, kept.root / "dvc.lock"]
    places += [kept.requests] if kept.requests else []
    names = [kept.relative(path) for path in places]
    done = kept.git("status", "--porcelain", "--untracked-files=all", "--", *names)
    if done.returncode:
        yield finding(GROUP, "checkout", "fault", done.stderr.strip()[-200:], fix="dataengine doctor")
        return
    lines = done.stdout.splitlines()
    unsettled = [line[3:] for line in lines if line[:2] in UNMERGED]
    for name in unsettled:
        fix = "keep one side whole: git checkout --ours (or --theirs) FILE, git add FILE; see docs/promotion.md"
        yield finding(GROUP, "merge", "fault", f"{name} has both sides of a merge", fix=fix)
    if changed := sorted(line[3:] for line in lines if line[:2] not in UNMERGED):
        shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        fix = f"git add {' '.join(name for name in names if (kept.root / name).exists())} && git commit"
        yield finding(GROUP, "commit", "note", f"in no commit yet: {shown}", fix=fix)
