# A private PostgreSQL on loopback; sourced by `up` and `down`.

postgres_programs() {
  local folder
  folder=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
  [ -n "$folder" ] || fail "PostgreSQL's server programs are missing; run: apt-get install -y --no-install-recommends postgresql"
  printf '%s' "$folder"
}

# PostgreSQL refuses to run as root: there it runs as its own user, in a folder of that user outside ours.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && exec runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

# Makes the database if it is not there, and starts it. $1: port, $2: password file of the owner.
start_postgres() {
  local port=$1 password_file=$2 programs home
  programs=$(postgres_programs)
  if [ -L "$data/pg" ] && [ ! -e "$data/pg" ]; then
    fail "PostgreSQL's folder $(readlink "$data/pg") is gone; remove what is left with ./cluster/down --purge"
  fi
  if [ ! -e "$data/pg" ]; then
    step "making a private PostgreSQL"
    if [ "$(id -u)" -eq 0 ]; then
      home=$(mktemp -d /var/tmp/amas-pg.XXXXXXXX)
      chown postgres: "$home"
      chmod 700 "$home"
      ln -s "$home" "$data/pg"
    else
      mkdir -m 700 "$data/pg"
    fi
    home=$(readlink -f "$data/pg")
    install -m 600 "$password_file" "$home/password"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$home/password"
    as_postgres "$programs/initdb" -D "$home/data" -U amas -A scram-sha-256 --pwfile="$home/password" -E UTF8 \
      --locale=C.UTF-8 >"$data/pg.log" 2>&1 || { tail -5 "$data/pg.log" >&2; fail "initdb failed; see $data/pg.log"; }
    rm -f "$home/password"
  fi
  home=$(readlink -f "$data/pg")
  if ! as_postgres "$programs/pg_ctl" -D "$home/data" status >/dev/null 2>&1; then
    # No Unix socket: its path would be too long in a deep folder. The server must not hold the script's lock.
    as_postgres "$programs/pg_ctl" -D "$home/data" -l "$home/log" -w -t 60 \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200" start \
      >>"$data/pg.log" 2>&1 9>&- || { tail -5 "$home/log" >&2; fail "PostgreSQL did not start; see $home/log"; }
  fi
  head -1 "$home/data/postmaster.pid" >"$data/pg.pid"
}

stop_postgres() {
  [ -e "$data/pg" ] || return 0
  local programs home
  programs=$(postgres_programs)
  home=$(readlink -f "$data/pg")
  as_postgres "$programs/pg_ctl" -D "$home/data" -m fast -w -t 30 stop >/dev/null 2>&1 || true
  rm -f "$data/pg.pid"
}

purge_postgres() {
  [ -e "$data/pg" ] || [ -L "$data/pg" ] || return 0
  local home
  home=$(readlink -f "$data/pg")
  case "$home" in
    /var/tmp/amas-pg.*) rm -rf "$home" ;;
  esac
  rm -rf "$data/pg"
}
