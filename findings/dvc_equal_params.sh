#!/usr/bin/env bash
# dvc 3.67.1: a parameter that goes from 1 to 1.0 or to true has not changed; the stage is not run, the old result
#   stands.
#
# Expected: a stage is run again once a value of its `params` in params.yaml is another one, and `dvc status` and
#   `dvc params diff` name it.
# Seen: `share: 1` (one sample), then `share: 1.0` (all samples), then `share: true`: "Data and pipelines are up to date",
#   an empty diff, and the number computed for 1. Values are compared as Python compares them, where 1 == 1.0 == True
#   and 0 == 0.0 == False, in lists as well; the run cache, which compares written text, takes them for different ones.
#   So with 1.0 forced once and committed, 1 is "up to date" with the result of 1.0, and dvc.lock says 1.0.
# Why it matters: what reads such a value tells them apart by type: train_size, max_features and min_samples_leaf of
#   scikit-learn and limit_val_batches of Lightning take 1 for one and 1.0 for all; 0, false and 1, true are the usual
#   pair where a switch also takes a number. A number is then reported for a setting that was never run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check dvc==3.67.1 'pathspec<1'
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 GIT_CONFIG_GLOBAL=/dev/null HOME="$work"
mkdir "$work/project"
cd "$work/project"
git init --quiet .
git config user.name nobody
git config user.email nobody@example.com
dvc init --quiet

cat >dvc.yaml <<'YAML'
stages:
  count:
    cmd: python count.py
    deps: [count.py]
    params: [share]
    metrics: [{people.json: {cache: false}}]
YAML
cat >count.py <<'PY'
"""How many of 500 people a share is, by scikit-learn's rule: a whole number counts, a fraction is one of them all."""

import json

from ruamel.yaml import YAML

share = YAML(typ="safe").load(open("params.yaml"))["share"]
people = 500 if share is True else share if isinstance(share, int) else round(share * 500)
json.dump({"people": people}, open("people.json", "w"))
PY

fail() {
    echo "changed: $1"
    exit 1
}
state() {
    echo "share: $share -> people.json $(cat people.json), status: $(dvc status), lock: $(grep share dvc.lock | xargs)"
}
dvc --version
share=1
echo "share: $share" >params.yaml
dvc repro --quiet
git add -A
git commit --quiet -m one
state
for share in 1.0 true; do
    echo "share: $share" >params.yaml
    [ -z "$(dvc params diff)" ] || fail "the difference to $share is shown"
    dvc repro | sed 's/^/  repro: /'
    state
    [ "$(cat people.json)" = '{"people": 1}' ] || fail "the stage is run for $share"
done
share=0.5
echo "share: $share" >params.yaml
dvc repro --quiet
[ "$(cat people.json)" = '{"people": 250}' ] || fail "a share of 0.5 is not run either"
state

share=1.0
echo "share: $share" >params.yaml
dvc repro --quiet --force
share=1
echo "share: $share" >params.yaml
dvc repro --quiet
state
[ "$(cat people.json)" = '{"people": 500}' ] || fail "the result of 1.0 is no longer taken for that of 1"
echo "as described"
