# shellcheck shell=bash
# The local image registry: a container whose data lie in the cache. Only this machine reaches it (localhost:5001); the
# node reaches it by its name on the cluster's network. An image pushed to it can be named by digest, which one that was
# loaded into a node cannot.

registry_container=tradefleet-registry
registry_image=registry:2

registry_answers() { curl -fsS --max-time 5 "http://$registry/v2/"; }

ensure_registry() {
  need curl
  [ "$origin" = pull ] || ensure_registry_image
  if [ "$(docker inspect -f '{{.Image}} {{range .Mounts}}{{.Source}}{{end}}' "$registry_container" 2>/dev/null)" != "$(image_id "$registry_image" 2>/dev/null) $cache/registry" ]; then
    timed "local registry on $registry" start_registry
  elif [ "$(docker inspect -f '{{.State.Running}}' "$registry_container")" != true ]; then
    timed "starting the local registry again" docker start "$registry_container" >/dev/null
  fi
  await 30 registry_answers || die "the local registry does not answer on $registry; see: docker logs $registry_container"
}

start_registry() {
  docker rm -f "$registry_container" >/dev/null 2>&1 || true
  mkdir -p "$cache/registry"
  docker run -d --name "$registry_container" --restart always -p "127.0.0.1:${registry#*:}:5000" \
    -v "$cache/registry:/var/lib/registry" "$registry_image" >/dev/null ||
    die "the local registry cannot listen on $registry: free the port (who has it: ss -ltnp 'sport = :${registry#*:}')."
  docker network inspect kind >/dev/null 2>&1 && join_registry
  return 0
}

join_registry() { # the cluster's network, which exists once a cluster did
  docker network inspect -f '{{range .Containers}}{{println .Name}}{{end}}' kind | grep -qx "$registry_container" ||
    docker network connect kind "$registry_container"
}

ensure_registry_image() { # Debian's registry under the upstream's name, with the upstream's port and folder
  local inputs context=$cache/context.part
  need docker-registry
  ensure_debian
  inputs=$({ cat "$ground/node/Dockerfile.registry" "$(command -v docker-registry)"; image_id "$debian"; } | digest)
  is_current "$registry_image" "$inputs" && return
  rm -rf "$context" && mkdir "$context"
  cp "$(command -v docker-registry)" "$context/registry"
  timed "stand-in for $registry_image" docker_build "$registry_image" "$inputs" -f "$ground/node/Dockerfile.registry" "$context"
  rm -rf "$context"
}
