"""Whether a round that is killed (``kill -9``, the whole process group) at a random moment resumes to the same result.

A try counts where the second run ends well, everything that `outcome.py` compares is as it is undisturbed, and
``dataengine doctor --project`` finds nothing wrong.
"""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from dataengine.bench.kill_resume.killing import DOCTOR, Try, Undisturbed, try_full_disk, try_kill, undisturbed
from dataengine.bench.kill_resume.tiny_project import begin, begin_second, write_project
from dataengine.bench.kill_resume.workshop import Workshop, open_workshop
from dataengine.bench.record import Figure, Missing
from dataengine.errors import EnvironmentFault, InputError
from dataengine.terminal.speech import say

KILLS = int(os.environ.get("DATAENGINE_KILLS", "100"))
SEED = 20
FULL_DISKS = int(os.environ.get("DATAENGINE_FULL_DISKS", "10"))
ROUND = ("dataengine", "round")


def run() -> Iterator[Figure | Missing]:
    """``rounds.kill_resume`` of 100, ``_treated`` of those, ``rounds.full_disk_resume``, ``rounds.tiny_round_s``."""
    with open_workshop(write_second_round) as workshop:
        right = undisturbed(workshop, ROUND)
        rng = random.Random(SEED)
        moments = [rng.uniform(0, right.seconds) for _ in range(KILLS)]
        tries = [_tried(workshop, after_s, right) for after_s in tqdm(moments, desc="kill and resume", unit="round")]
        full = _on_full_disks(workshop, rng, right)
    yield Figure("rounds.kill_resume", sum(not each.faults for each in tries), f"of {KILLS}", KILLS)
    yield Figure("rounds.kill_resume_treated", sum(each.treated for each in tries), f"of {KILLS}")
    yield full
    yield Figure("rounds.tiny_round_s", right.seconds, "s")


def write_second_round(workshop: Workshop, words: Sequence[str] = ROUND) -> None:
    """The project before its second round: the first one made a champion."""
    write_project(workshop.root, Path("dvc.yaml"))
    begin(workshop.root, workshop.environment)
    for command in (words, DOCTOR):
        done = workshop.run(command)
        if done.returncode:
            raise InputError(f"{' '.join(command)} fails in a new project", got=done.stderr[-300:])
    begin_second(workshop.root, workshop.environment)


def _on_full_disks(workshop: Workshop, rng: random.Random, right: Undisturbed) -> Figure | Missing:
    """How many rounds that ran out of room at a random byte resume once there is more."""
    rooms = [rng.randrange(right.written_bytes) for _ in range(FULL_DISKS)]
    try:
        tries = [try_full_disk(workshop, ROUND, room, right) for room in tqdm(rooms, desc="full disk", unit="round")]
    except EnvironmentFault as fault:
        return Missing("rounds.full_disk_resume", fault.expected)
    for room, each in zip(rooms, tries, strict=True):
        for wrong in each.faults:
            say(f"with {room} bytes of room: {wrong}")
    return Figure("rounds.full_disk_resume", sum(not each.faults for each in tries), f"of {FULL_DISKS}", FULL_DISKS)


def _tried(workshop: Workshop, after_s: float, right: Undisturbed) -> Try:
    made = try_kill(workshop, ROUND, after_s, right)
    for fault in made.faults:
        say(f"killed after {after_s:.3f} s: {fault}")
    return made
