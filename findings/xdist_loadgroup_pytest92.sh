#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: --dist loadgroup forgets the groups.
#
# Expected: tests that carry one name in @pytest.mark.xdist_group are run by one worker, as xdist's documentation says
#   and as it does with pytest 8.
# Seen: with pytest 9.2 they are shared out one by one, without a warning. xdist appends "@GROUP" to the field `_nodeid`
#   of an item, and the scheduler looks for it in `item.nodeid`; pytest 9.2 makes `nodeid` from another field, so the
#   suffix is never seen. `--dist loadfile`, which needs no suffix, goes on working.
# Why it matters: fixtures of a module are made once in every worker, and tests that must not run next to each other
#   (one database, one port) do.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/test_groups.py" <<'PY'
import os
import pathlib
import time

import pytest


@pytest.mark.xdist_group("one worker")
@pytest.mark.parametrize("number", range(12))
def test_who_runs_it(number):
    with open("workers.txt", "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\n")
    time.sleep(0.05)
PY

workers() { # of a version of pytest, and a way to share out: how many workers ran tests of the one group
  python3 -m venv "$work/venv-$1"
  "$work/venv-$1/bin/pip" install --quiet --disable-pip-version-check "pytest==$1" pytest-xdist==3.8.0
  (cd "$work" && rm -f workers.txt && "$work/venv-$1/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist "$2" \
    test_groups.py >/dev/null && sort -u workers.txt | wc -l)
}

echo "pytest-xdist 3.8.0, 12 tests of one group, 2 workers"
old=$(workers 8.4.2 loadgroup)
new=$(workers 9.2.0 loadgroup)
file=$(workers 9.2.0 loadfile)
echo "pytest 8.4.2, loadgroup: $old worker(s)"
echo "pytest 9.2.0, loadgroup: $new worker(s)"
echo "pytest 9.2.0, loadfile:  $file worker(s)"
[ "$old" = 1 ] && [ "$new" = 2 ] && [ "$file" = 1 ]
