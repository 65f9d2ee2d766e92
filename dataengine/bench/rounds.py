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
from dataengine.bench.kill_resume.lost import try_lost_database, try_lost_remote
from dataengine.bench.kill_resume.tiny_project import begin, begin_second, write_project
from dataengine.bench.kill_resume.workshop import Workshop, open_workshop
from dataengine.bench.record import Figure, Missing
from dataengine.errors import EnvironmentFault, InputError
from dataengine.terminal.speech import say

KILLS = int(os.environ.get("DATAENGINE_KILLS", "100"))
SEED = 20
FULL_DISKS = int(os.environ.get("DATAENGINE_FULL_DISKS", "10"))
LOST_DATABASES = int(os.environ.get("DATAENGINE_LOST_DATABASES", "5"))
ROUND = ("dataengine", "round")


def run() -> Iterator[Figure | Missing]:
    """``rounds.kill_resume`` of 100, ``_treated`` of those, ``rounds.full_disk_resume``, ``rounds.lost_database``,
    ``rounds.lost_remote``, ``rounds.tiny_round_s``."""
    with open_workshop(write_second_round) as workshop:
        right = undisturbed(workshop, ROUND)
        rng = random.Random(SEED)
        yield from _killed(workshop, rng, right)
        yield _on_full_disks(workshop, rng, right)
        yield _without_database(workshop, rng, right)
        remote = try_lost_remote(workshop, ROUND, right)
        _say_faults("without its remote", remote)
    yield Figure("rounds.lost_remote", float(not remote.faults), "of 1", 1)
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


def _killed(workshop: Workshop, rng: random.Random, right: Undisturbed) -> Iterator[Figure]:
    """How many killed rounds resume, and how many of them only after the doctor's help."""
    moments = [rng.uniform(0, right.seconds) for _ in range(KILLS)]
    tries = [_tried(workshop, after_s, right) for after_s in tqdm(moments, desc="kill and resume", unit="round")]
    if tries:
        yield Figure("rounds.kill_resume", sum(not each.faults for each in tries), f"of {KILLS}", KILLS)
        yield Figure("rounds.kill_resume_treated", sum(each.treated for each in tries), f"of {KILLS}")


def _on_full_disks(workshop: Workshop, rng: random.Random, right: Undisturbed) -> Figure | Missing:
    """How many rounds that ran out of room at a random byte resume once there is more."""
    rooms = [rng.randrange(right.written_bytes) for _ in range(FULL_DISKS)]
    try:
        tries = [try_full_disk(workshop, ROUND, room, right) for room in tqdm(rooms, desc="full disk", unit="round")]
    except EnvironmentFault as fault:
        return Missing("rounds.full_disk_resume", fault.expected)
    for room, each in zip(rooms, tries, strict=True):
        _say_faults(f"with {room} bytes of room", each)
    return Figure("rounds.full_disk_resume", sum(not each.faults for each in tries), f"of {FULL_DISKS}", FULL_DISKS)


def _without_database(workshop: Workshop, rng: random.Random, right: Undisturbed) -> Figure | Missing:
    """How many rounds that lost FiftyOne's database at a random moment came to the same result."""
    moments = [rng.uniform(0, right.seconds) for _ in range(LOST_DATABASES)]
    bar = tqdm(moments, desc="database lost", unit="round")
    try:
        tries = [try_lost_database(workshop, ROUND, after_s, right) for after_s in bar]
    except EnvironmentFault as fault:
        return Missing("rounds.lost_database", str(fault))
    for each in tries:
        _say_faults(f"database lost after {each.after_s:.3f} s", each)
    whole = sum(not each.faults for each in tries)
    return Figure("rounds.lost_database", whole, f"of {LOST_DATABASES}", LOST_DATABASES)


def _say_faults(when: str, made: Try) -> None:
    for fault in made.faults:
        say(f"{when}: {fault}")


def _tried(workshop: Workshop, after_s: float, right: Undisturbed) -> Try:
    made = try_kill(workshop, ROUND, after_s, right)
    _say_faults(f"killed after {after_s:.3f} s", made)
    return made
