#!/bin/bash
# What a fresh Debian-like machine lacks: packages by apt-get, then helm by Go. Says what it does; does nothing twice.
# shellcheck source=lib/all.sh
. "$(dirname "$0")/cluster/lib/all.sh"

# command -> the package that brings it. An engine that answers is enough: nobody's Docker is replaced.
declare -A package=([make]=make [git]=git [jq]=jq [curl]=curl [openssl]=openssl [setpriv]=util-linux [python3.11]=python3.11-venv [shellcheck]=shellcheck)
engine_answers || package+=([docker]=docker.io [dockerd]=docker.io)

missing() { # the packages whose command, or file, is not there
  local command
  {
    for command in "${!package[@]}"; do command -v "$command" >/dev/null || echo "${package[$command]}"; done
    ! command -v python3.11 >/dev/null || python3.11 -c 'import ensurepip, venv' 2>/dev/null || echo python3.11-venv
    [ -e "$ca_bundle" ] || echo ca-certificates
    [ "${origin-}" != build ] || [ -e /usr/include/stdlib.h ] || echo libc6-dev
  } | sort -u
}

install_packages() {
  local wanted
  mapfile -t wanted < <(missing)
  [ ${#wanted[@]} != 0 ] || return 0
  command -v apt-get >/dev/null || die "missing: ${wanted[*]}; there is no apt-get here, so install them your way."
  ((EUID == 0)) || die "missing: ${wanted[*]}; run hack/setup.sh as root, or: apt-get install ${wanted[*]}"
  timed "apt-get install ${wanted[*]}" apt_get_install "${wanted[@]}"
}

apt_get_install() {
  local log=$cache/apt.log
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null ||
    die "apt-get failed: $(grep -m1 '^E:' "$log" || tail -n1 "$log") (all of it: $log)"
}

lock
install_packages
if ! engine_answers && ((EUID == 0)); then ensure_engine; fi
find_origin
if [ "$origin" = build ]; then # what making the images here takes
  package=([debootstrap]=debootstrap [docker-registry]=docker-registry [gcc]=gcc [iptables]=iptables [ip]=iproute2)
  install_packages
fi
ensure_binaries helm
