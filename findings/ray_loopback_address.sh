#!/usr/bin/env bash
# Ray 2.60: `ray start --node-ip-address 127.0.0.1` listens on every interface, and ray.init turns 127.0.0.1 into the
#   network's address.
#
# Expected: a head node that is given 127.0.0.1 as its address listens there alone, and ray.init("127.0.0.1:PORT") connects
#   to 127.0.0.1.
# Seen: both replace 127.0.0.1, localhost and ::1 by the address of this machine in the network. The head's port, through
#   which anybody who reaches it runs code (tokens are off by default), is open on that address, without a word. Given
#   127.0.0.2, which is loopback as well, the node has that address and its port is still open everywhere. What helps is a
#   variable whose name speaks of other systems: with RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 the port is on loopback alone.
# Why it matters: whoever binds a cluster to loopback so as not to open the machine opens it.
set -euo pipefail
work=$(mktemp -d)
python3 -m venv "$work/venv"
head=""
end_head() { [ -z "$head" ] || { kill "$head" 2>/dev/null || true; wait "$head" 2>/dev/null || true; head=""; }; }
trap 'end_head; rm -rf "$work"' EXIT
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0

cat >"$work/listens.py" <<'PY'
"""Prints where the port listens, of the kernel's tables: "everywhere" or "loopback"."""
import sys
from pathlib import Path

LISTENING = "0A"
EVERYWHERE = {"00000000", "0" * 32}
port, found = f"{int(sys.argv[1]):04X}", set()
for table in ("/proc/net/tcp", "/proc/net/tcp6"):
    for line in Path(table).read_text().splitlines()[1:]:
        _, local, _, state = line.split()[:4]
        host, _, number = local.partition(":")
        if number == port and state == LISTENING:
            found.add("everywhere" if host in EVERYWHERE else "loopback" if host.endswith("0100007F") else host)
print(*sorted(found))
PY

free_port() { "$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }

head_listens() { # what to set, the address; the answer is in $listens
  port=$(free_port)
  env "$1" RAY_USAGE_STATS_ENABLED=0 "$work/venv/bin/ray" start --head --block --include-dashboard=false --num-cpus 1 \
    --port "$port" --temp-dir "$work/ray" --node-ip-address "$2" >"$work/said" 2>&1 &
  head=$!
  listens=""
  until [ -n "$listens" ]; do
    kill -0 "$head" 2>/dev/null || { cat "$work/said"; exit 1; }
    sleep 1
    listens=$("$work/venv/bin/python" "$work/listens.py" "$port")
  done
  end_head
}

head_listens NOTHING=0 127.0.0.1
asked=$listens
head_listens NOTHING=0 127.0.0.2
other=$listens
head_listens RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 127.0.0.1
held=$listens
echo "--node-ip-address 127.0.0.1: the head's port listens $asked"
echo "--node-ip-address 127.0.0.2: $other"
echo "127.0.0.1 with RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0: $held"
[ "$asked" = everywhere ] && [ "$other" = everywhere ] && [ "$held" = loopback ] || { echo "no longer as described"; exit 1; }
