# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is used by those that source it
# What every script of the ground shares: where things are kept, how progress reads, how a file comes to be, one lock.
set -euo pipefail
shopt -s inherit_errexit # what fails inside $( ) fails

ground=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TRADEFLEET_CACHE:-${HOME:-/root}/.cache/tradefleet}
mkdir -p "$cache/bin"
cache=$(cd "$cache" && pwd)
bin=$cache/bin
export KUBECONFIG=$cache/kubeconfig PATH=$bin:$PATH

cluster=tradefleet
node=$cluster-control-plane
registry=localhost:5001
inputs_label=tradefleet.dev/inputs # on every image made here: the digest of what it was made from

note() { echo "[$(date +%T)] $*" >&2; }

die() { echo "tradefleet: $*" >&2; exit 1; }

timed() { # title, command…: runs the command and says how long it took
  local title=$1 start=$SECONDS
  shift
  note "$title"
  "$@"
  ((SECONDS - start < 2)) || note "$title: done in $((SECONDS - start)) s"
}

need() { # command…: one sentence when a machine lacks it
  local command
  for command; do
    command -v "$command" >/dev/null || die "$command is missing: run hack/setup.sh as root, or install it."
  done
}

produce() { # FILE, command…: the command writes to the path it gets as its last argument; FILE appears only complete
  local file=$1
  shift
  rm -rf "$file".part.*
  "$@" "$file.part.$$"
  mv -f "$file.part.$$" "$file"
}

digest() { sha256sum | cut -d' ' -f1; } # of what comes in

tree_digest() { # path…: of the names and the content of all files below
  local path
  for path; do (cd "$(dirname "$path")" && find "$(basename "$path")" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); done | digest
}

await() { # seconds, command…: until the command succeeds
  local deadline=$((SECONDS + $1))
  shift
  until ("$@") >/dev/null 2>&1; do # in a shell of its own, or a Ctrl-C meanwhile would be answered into /dev/null
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

lock() { # one set-up at a time; whatever outlives this script is started with 9>&- so that it does not keep the lock
  exec 9>"$cache/lock"
  flock -n 9 || {
    note "another set-up is at work in $cache: waiting for it"
    flock 9
  }
  trap 'note "interrupted: run the same command again, it goes on from here"; exit 130' INT TERM
}
