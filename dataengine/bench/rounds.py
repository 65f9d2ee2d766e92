"""Whether a round that is killed (``kill -9``, the whole process group) at a random moment resumes to the same result.

A try counts where the second run ends well, everything that `outcome.py` compares is as it is undisturbed, and
``dataengine doctor --project`` finds nothing wrong.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from dataengine.bench.kill_resume.killing import Try, Undisturbed, try_kill, undisturbed
from dataengine.bench.kill_resume.tiny_project import STAGES, begin, write_project
from dataengine.bench.kill_resume.workshop import Workshop, open_workshop
from dataengine.bench.record import Figure
from dataengine.cli import COMMANDS
from dataengine.terminal.speech import say

KILLS = int(os.environ.get("DATAENGINE_KILLS", "100"))
SEED = 20
ROUND = ("dvc", "repro")


def run() -> Iterator[Figure]:
    """``rounds.kill_resume`` of 100, ``rounds.kill_resume_treated`` of those, ``rounds.tiny_round_s``."""
    modules = [*(COMMANDS[name].module for name in STAGES), "dataengine.doctor.project_state.pages"]
    with open_workshop(modules, lambda root: write_project(root, Path("dvc.yaml"))) as workshop:
        begin(workshop.root, workshop.environment)
        workshop.keep_as_start()
        right = undisturbed(workshop, ROUND)
        rng = random.Random(SEED)
        moments = [rng.uniform(0, right.seconds) for _ in range(KILLS)]
        tries = [_tried(workshop, after_s, right) for after_s in tqdm(moments, desc="kill and resume", unit="round")]
    yield Figure("rounds.kill_resume", sum(not each.faults for each in tries), f"of {KILLS}", KILLS)
    yield Figure("rounds.kill_resume_treated", sum(each.treated for each in tries), f"of {KILLS}")
    yield Figure("rounds.tiny_round_s", right.seconds, "s")


def _tried(workshop: Workshop, after_s: float, right: Undisturbed) -> Try:
    made = try_kill(workshop, ROUND, after_s, right)
    for fault in made.faults:
        say(f"killed after {after_s:.3f} s: {fault}")
    return made
