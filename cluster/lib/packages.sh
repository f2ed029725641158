# What the project needs of the system; sourced by `up` and `test`.

swift_packages="libpq-dev libcurl4-openssl-dev libssl-dev liblz4-dev pkg-config"
server_packages="postgresql haproxy curl openssl"

require_swift() {
  command -v swift >/dev/null 2>&1 || fail "Swift is not installed: get 6.3 or later from https://www.swift.org/install and put it on PATH"
}

# Installs what is missing, or says the one line that would.
require_packages() {
  local missing="" package
  command -v dpkg-query >/dev/null 2>&1 || { say "this is not Debian: what $* are called here must be installed"; return 0; }
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  local run=""
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
      run="sudo"
    else
      fail "system packages are missing; run: apt-get install -y --no-install-recommends$missing"
    fi
  fi
  step "installing$missing"
  $run env DEBIAN_FRONTEND=noninteractive sh -c "
    # A package that starts a server of its own on this machine is not wanted.
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d.amas && chmod +x /usr/sbin/policy-rc.d.amas
    [ -e /usr/sbin/policy-rc.d ] || { ln -s policy-rc.d.amas /usr/sbin/policy-rc.d; mine=1; }
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing
    result=\$?
    [ -n \"\${mine:-}\" ] && rm -f /usr/sbin/policy-rc.d
    rm -f /usr/sbin/policy-rc.d.amas
    exit \$result
  " >"${TMPDIR:-/tmp}/amas-packages.$$.log" 2>&1 || {
    tail -5 "${TMPDIR:-/tmp}/amas-packages.$$.log" >&2
    fail "the packages could not be installed; run: apt-get install -y --no-install-recommends$missing"
  }
  rm -f "${TMPDIR:-/tmp}/amas-packages.$$.log"
}
