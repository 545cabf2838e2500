# shellcheck shell=bash
# The Docker engine: the machine's own where it answers, else one started here on data kept in the cache.

engine_answers() { timeout 20 docker version >/dev/null 2>&1; }

ensure_engine() {
  need docker
  engine_answers && return
  ((EUID == 0)) || die "the Docker engine does not answer: start it, or run this as root and it is started for you."
  need dockerd
  timed "starting the Docker engine" start_engine
}

live() { # pid file, program: prints the pid while it is that program's, alive
  local pid
  pid=$(cat "$1" 2>/dev/null) && grep -qE "^[0-9]+ \\($2\\) [^ZX]" "/proc/$pid/stat" 2>/dev/null && echo "$pid"
}

own_engine() { live "$cache/dockerd.pid" dockerd; } # the pid of the engine that was started here

clear_remains() { # of an engine that was killed: it would wait for its containerd, and for its own pid, until it gives up
  local pid containerd=$cache/docker-run/containerd/containerd.pid
  if own_engine >/dev/null; then return; fi
  if pid=$(live "$containerd" containerd); then
    kill "$pid"
    await 15 ended "$containerd" containerd || kill -9 "$pid"
  fi
  rm -f "$cache/dockerd.pid" "$containerd"
}

ended() { ! live "$@"; } # pid file, program

start_engine() {
  local fit=() pid
  clear_remains
  if ! ((0x$(awk '/^CapEff/{print $2}' /proc/self/status) >> 24 & 1)); then # CAP_SYS_RESOURCE
    need jq
    install -m755 "$ground/node/runc-fit" "$bin/runc-fit"
    fit=(--add-runtime "fit=$bin/runc-fit" --default-runtime fit)
  fi
  # Address pools away from those that the machine's own network may use.
  setsid dockerd --data-root "$cache/docker" --exec-root "$cache/docker-run" --pidfile "$cache/dockerd.pid" \
    --storage-driver overlay2 "${fit[@]}" --bip 172.30.255.1/24 --default-address-pool base=172.30.0.0/17,size=24 \
    >"$cache/dockerd.log" 2>&1 </dev/null 9>&- &
  pid=$!
  await 60 answers_or_ended "$pid" || true
  engine_answers || die "the Docker engine does not start; its last words: $(tail -n1 "$cache/dockerd.log")"
}

answers_or_ended() { engine_answers || ! kill -0 "$1"; } # pid

stop_engine() { # only one that start_engine started
  local pid
  pid=$(own_engine) || return 0
  kill "$pid"
  await 60 ended "$cache/dockerd.pid" dockerd || die "the Docker engine (pid $pid) does not stop."
}

# Where the images come from: `pull` (an image registry is in reach) or `build` (made here from source and Debian).
# Found out once and remembered; TRADEFLEET_IMAGES=pull|build decides otherwise.
find_origin() {
  origin=${TRADEFLEET_IMAGES:-$(cat "$cache/origin" 2>/dev/null || true)}
  if [ -z "$origin" ]; then
    origin=build
    engine_answers || return 0 # not remembered: an engine may come
    if timeout 120 docker pull -q registry:2 >/dev/null 2>&1; then origin=pull; fi
    echo "$origin" >"$cache/origin"
    note "images: $([ "$origin" = pull ] && echo "an image registry is in reach" || echo "no image registry in reach, making them here")"
  fi
  case $origin in pull | build) ;; *) die "TRADEFLEET_IMAGES is '$origin': it must be pull or build." ;; esac
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

image_id() { docker image inspect -f '{{.Id}}' "$1"; }

is_current() { # image, digest of its inputs
  [ "$(docker image inspect -f "{{index .Config.Labels \"$inputs_label\"}}" "$1" 2>/dev/null)" = "$2" ]
}
