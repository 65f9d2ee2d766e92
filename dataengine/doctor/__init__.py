"""`dataengine doctor`: what this machine has, what will be used of it, and how to fix what is wrong.

Two steps keep looking apart from judging. `questions.gather` asks the machine: what may be slow, hang or crash (a
library's import, Blender, a database program) in a process of its own with a time limit, all at the same time. Checks
are plain functions from those facts to one `CheckResult`, so a test describes a machine in a few words and needs none.

In reading order:

- `lines/`: what a check returns, and its lines on the screen.
- `asking/`: programs asked with a time limit (a crash or a hang is an answer), and what is run in those processes.
- `project.py`: the project's folder, its params, whether set-up has run.
- `environment.py`, `database.py`: packages, disk and ports; the database behind FiftyOne.
- `proofs.py`: which GPUs have given `render` a picture.
- `facts.py`: all that was found; `questions.py`: how it is asked.
- `choices.py`: what will be used: device, precision, runner.
- `processor.py`, `memory.py`, `engines.py`, `rendering.py`, `curation.py`, `tools.py`: the checks, by group.
- `diagnosis.py`: all checks in their order, the verdict, the JSON object.
- `screen.py`: the same for a person, on one screen.
- `project_state/`: the same question about what the project keeps (`--project`).
- `doctor.py`: the command; `__main__.py`: the same before set-up, with the standard library alone.

Adding a check: add what it needs to `facts.py` and `questions.py`, write a function of the facts in its group's file,
and add that to `GROUPS` in `diagnosis.py`. A fault is what stops the default run; what merely slows or limits it, or
stops something else, is a note.
"""
