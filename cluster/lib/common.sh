# Shared by the scripts of this folder; sourced, never run.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data="$project/.amas"

say() { printf '%s\n' "$*" >&2; }
step() { printf '▸ %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'error: %s\ntry: %s --help\n' "$*" "$0" >&2; exit 2; }

# Puts the value of a flag that needs one into `value`. Not by a subshell: its exit would be lost among arguments.
flag_value() {
  [ $# -ge 2 ] && [ -n "$2" ] || usage_error "$1 needs a value"
  value=$2
}

# The folder need not exist: only `up` makes it.
use_data() { data=$(realpath -m -- "$1"); }

# Whether `up` has made the folder: nothing else is ever removed or written to.
is_cluster_folder() { [ -f "$data/lock" ]; }

# For those that change what runs: one at a time. The lock ends with this script; what it starts must not inherit it (9>&-).
lock_data() {
  exec 9<>"$data/lock"
  flock -n 9 || fail "another script is at work in $data"
}

load_cluster() {
  [ -f "$data/cluster.env" ] || fail "no cluster in $data; start one with ./cluster/up"
  set -a
  # shellcheck disable=SC1091
  . "$data/cluster.env"
  set +a
}

# Whether the process of a pid file runs and is the one that was started: a number is given to another process sooner or later,
# and a process that nobody has collected has no command line any more. Ours name their configuration.
alive() {
  local pid_file=$1 pid configuration
  [ -f "$pid_file" ] || return 1
  case $pid_file in
    */haproxy.pid) configuration="${pid_file%/*}/haproxy.cfg" ;;
    *) configuration="${pid_file%/*}/amas.yaml" ;;
  esac
  pid=$(cat "$pid_file")
  [ -n "$pid" ] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$configuration"
}

# Waits for a process that has been killed to be over. It holds its folder until its files are closed: when its command line is
# gone already, and before somebody is told of its end.
await_end() {
  local pid state _
  [ -f "$1" ] || return 0
  pid=$(cat "$1")
  for _ in $(seq 500); do
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) || return 0
    case $state in ''|Z*|X*) return 0 ;; esac
    [ -z "$(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline")" ] || alive "$1" || return 0
    sleep 0.02
  done
}

# Waits a moment for a process that was just started: before it has become its program it cannot be told from this script.
await_start() {
  local _
  for _ in $(seq 100); do
    alive "$1" && return 0
    kill -0 "$(cat "$1")" 2>/dev/null || return 0
    sleep 0.02
  done
}

# Whether the node in this folder has been told to end and has not done so yet. Without an answer nobody knows.
is_ending() {
  # shellcheck disable=SC1091
  case $(. "$1/node.env" && curl -s -m 2 "$http/api/v1/health") in
    *'"draining":true'*) return 0 ;;
    '') return 2 ;;
    *) return 1 ;;
  esac
}

# Waits for a node that is about to end, or to answer: one that drains keeps its folder and its ports until it is gone.
await_departure() {
  local name=$1 folder="$data/nodes/$1" end=$((SECONDS + 60)) said=no answer
  while alive "$folder/pid"; do
    answer=0
    is_ending "$folder" || answer=$?
    [ "$answer" -ne 1 ] || return 0
    [ "$SECONDS" -lt "$end" ] || fail "$name runs, and neither answers nor ends; see ./cluster/logs $name"
    if [ "$answer" -eq 0 ] && [ "$said" = no ]; then
      step "$name is ending; it is started again when it is gone"
      said=yes
    fi
    sleep 0.05
  done
}

# Ends the process of a pid file: politely, then, after the given seconds, not.
stop_process() {
  local pid_file=$1 seconds=$2 _
  if alive "$pid_file"; then
    kill -TERM "$(cat "$pid_file")" 2>/dev/null || true
    for _ in $(seq $((seconds * 20))); do
      alive "$pid_file" || break
      sleep 0.05
    done
    ! alive "$pid_file" || kill -KILL "$(cat "$pid_file")" 2>/dev/null || true
  fi
  rm -f "$pid_file"
}

node_names() { sed -n 's/^name=//p' "$data"/nodes/*/node.env 2>/dev/null || true; }

# Starts one node as its folder says. It is up when its port answers, not when this returns.
start_node() {
  local name=$1 folder="$data/nodes/$1"
  [ -d "$folder" ] || fail "no node $name in $data; there are: $(node_names | tr '\n' ' ')"
  alive "$folder/pid" && return 0
  await_end "$folder/pid"
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  # A node that was upgraded by itself has a program of its own.
  local program="$data/amas"
  [ ! -x "$folder/amas" ] || program="$folder/amas"
  # What clients of the cluster need to know is no business of its nodes, nor of the tools that they start.
  setsid env -u AMAS_URL -u AMAS_NODES -u AMAS_TOKEN -u AMAS_PG -u AMAS_PIDS "$program" serve --config "$folder/amas.yaml" >>"$folder/log" 2>&1 </dev/null 9>&- &
  printf '%s' "$!" >"$folder/pid"
  await_start "$folder/pid"
  write_environment
}

# `AMAS_PIDS` follows every start; the rest was fixed by `up`.
write_environment() {
  local pids="" name
  for name in $(node_names); do
    ! alive "$data/nodes/$name/pid" || pids="$pids,$name=$(cat "$data/nodes/$name/pid")"
  done
  {
    cat "$data/fixed.env"
    printf 'AMAS_PIDS=%s\n' "${pids#,}"
  } >"$data/cluster.env.new"
  chmod 600 "$data/cluster.env.new"
  mv "$data/cluster.env.new" "$data/cluster.env"
}
