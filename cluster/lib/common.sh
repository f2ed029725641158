# Shared by the scripts of this folder; sourced, never run.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data="$project/.amas"

say() { printf '%s\n' "$*" >&2; }
step() { printf '▸ %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'error: %s\ntry: %s --help\n' "$*" "$0" >&2; exit 2; }

# The value of a flag that needs one.
flag_value() { [ $# -ge 2 ] && [ -n "$2" ] || usage_error "$1 needs a value"; printf '%s' "$2"; }

use_data() {
  mkdir -p "$1"
  data=$(cd "$1" && pwd)
}

load_cluster() {
  [ -f "$data/cluster.env" ] || fail "no cluster in $data; start one with ./cluster/up"
  set -a
  # shellcheck disable=SC1091
  . "$data/cluster.env"
  set +a
}

# Whether the process of a pid file runs, and is the one that was started.
alive() {
  local pid_file=$1 pid
  [ -f "$pid_file" ] || return 1
  pid=$(cat "$pid_file")
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

# Ends the process of a pid file: politely, then, after the given seconds, not.
stop_process() {
  local pid_file=$1 seconds=$2 pid
  alive "$pid_file" || { rm -f "$pid_file"; return 0; }
  pid=$(cat "$pid_file")
  kill -TERM "$pid" 2>/dev/null || true
  for _ in $(seq $((seconds * 20))); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$pid_file"; return 0; }
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$pid_file"
}

node_names() { sed -n 's/^name=//p' "$data"/nodes/*/node.env 2>/dev/null; }

# Starts one node as its folder says. It is up when its port answers, not when this returns.
start_node() {
  local name=$1 folder="$data/nodes/$1"
  [ -d "$folder" ] || fail "no node $name in $data; there are: $(node_names | tr '\n' ' ')"
  alive "$folder/pid" && return 0
  # shellcheck disable=SC1091
  . "$folder/node.env"
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  setsid "$data/amas" serve --config "$folder/amas.yaml" >>"$folder/log" 2>&1 </dev/null &
  printf '%s' "$!" >"$folder/pid"
  write_environment
}

# `AMAS_PIDS` follows every start; the rest was fixed by `up`.
write_environment() {
  local pids="" name
  for name in $(node_names); do
    alive "$data/nodes/$name/pid" && pids="$pids,$name=$(cat "$data/nodes/$name/pid")"
  done
  {
    cat "$data/fixed.env"
    printf 'AMAS_PIDS=%s\n' "${pids#,}"
  } >"$data/cluster.env.new"
  chmod 600 "$data/cluster.env.new"
  mv "$data/cluster.env.new" "$data/cluster.env"
}
