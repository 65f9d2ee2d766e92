#!/usr/bin/env bash
# dvc 3.67.1: `dvc push --run-cache` sends what was run, but not what it made.
#
# Expected: after `dvc push --run-cache` here and `dvc pull --run-cache` in a second clone, a stage whose command, inputs
#   and params were run before comes back from the run cache there, as it does here.
# Seen: entries of earlier runs travel, the outputs that they name do not, unless dvc.lock of the commit that is pushed
#   names them, too. The second clone has the entry, lacks the file, and runs the stage again without a word. With
#   `--all-commits` on both sides the file is there and the stage is not run.
# Why it matters: a param that is set back, or a branch that is tried again, costs the renders and fits once more on
#   every other machine, although everything seems to have been pushed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check dvc==3.67.1 'pathspec<1'
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=true DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.org
dvc --version

mkdir "$work/first" && cd "$work/first"
git init -q && dvc init -q && dvc remote add -q --default store "$work/remote"
cat >dvc.yaml <<'YAML'
stages:
  make:
    cmd: cp params.yaml made.txt
    params: [seed]
    outs: [made.txt]
YAML
for seed in 1 2; do
    echo "seed: $seed" >params.yaml
    dvc repro -q
    git add -A && git commit -q -m "seed $seed"
done

again() {  # clone, pull with the options given, set the param back, and say whether the stage is run
    git clone -q "$work/first" "$work/$1" && cd "$work/$1"
    dvc pull -q "${@:2}"
    echo "seed: 1" >params.yaml
    dvc repro | grep -E "cached|Running" | sed "s/^/$1: /"
    ls .dvc/cache/runs | wc -l | sed "s/^/$1: entries in the run cache: /"
    cd "$work/first"
}
{
    echo "seed: 1" >params.yaml && dvc repro | grep -E "cached|Running" | sed 's/^/here: /' && git checkout -q . && dvc checkout -q
    dvc push -q --run-cache && again run-cache --run-cache
    dvc push -q --run-cache --all-commits && again all-commits --run-cache --all-commits
} | tee "$work/seen"

grep -q "here: .*is cached" "$work/seen"
grep -q "run-cache: Running stage 'make'" "$work/seen"
grep -q "run-cache: entries in the run cache: 2" "$work/seen"
grep -q "all-commits: .*is cached" "$work/seen"
echo "as described"
