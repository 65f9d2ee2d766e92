#!/usr/bin/env bash
# PyTorch 2.13.0: after DistributedDataParallel, destroy_process_group() no longer ends gloo's threads.
#
# Expected: once the wrapped module is gone and destroy_process_group() has returned, nothing of the group is left: no
#   thread, no reference.
# Seen: without DistributedDataParallel that is so. With it, the process keeps three threads of gloo (gloo_tcp_loop,
#   two pt_gloo_runloop) to its end, although the module has been collected. The first DistributedDataParallel imports
#   torch.distributed.nn.functional, whose ten functions have `group=group.WORLD` as a default argument: Python
#   evaluates it there and then, so the functions own the group that stood at that moment. With
#   `import torch.distributed.nn` before init_process_group() the threads end.
# Why it matters: a thread of gloo that lets go of a tensor while the interpreter shuts down aborts the process with
#   "terminate called without an active exception", about once in some hundred runs: a fit that is complete ends with
#   exit status 134, and torchrun calls all ranks failed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cat >"$work/rank.py" <<'PY'
import gc
import os
import sys
import weakref

import torch
import torch.distributed as distributed

if "import-first" in sys.argv:
    import torch.distributed.nn

distributed.init_process_group("gloo")
distributed.all_reduce(torch.ones(3))
if "parallel" in sys.argv:
    module = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 3))
    module(torch.ones(2, 3)).sum().backward()
    alive = weakref.ref(module)
    del module
    gc.collect()
    assert alive() is None, "the module is still referenced"
distributed.barrier()
distributed.destroy_process_group()
gc.collect()
threads = [open(f"/proc/self/task/{number}/comm").read().strip() for number in os.listdir("/proc/self/task")]
with open(f"{sys.argv[1]}.{os.environ['RANK']}", "w") as out:
    out.write(" ".join(sorted(name for name in threads if "gloo" in name)))
PY

run() { # NAME ARGUMENTS...: what each of two ranks has left of gloo
    local name=$1
    shift
    OMP_NUM_THREADS=1 "$work/venv/bin/python" -m torch.distributed.run --standalone --nproc_per_node 2 \
        "$work/rank.py" "$work/$name" "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; exit 1; }
    for rank in 0 1; do
        threads=$(cat "$work/$name.$rank")
        echo "$name, rank $rank: threads left: ${threads:-none}"
    done
}

run plain
run parallel parallel
run import-first parallel import-first

for rank in 0 1; do
    [ -z "$(cat "$work/plain.$rank")" ] || { echo "changed: threads remain without DistributedDataParallel"; exit 1; }
    [ -n "$(cat "$work/parallel.$rank")" ] || { echo "changed: DistributedDataParallel no longer holds the group"; exit 1; }
    [ -z "$(cat "$work/import-first.$rank")" ] || { echo "changed: importing first no longer helps"; exit 1; }
done
echo "as described"
