#!/bin/bash
# Builds the project's images when what goes into them changed, pushes them to the local registry, and prints their
# references by digest as NAME=VALUE lines on stdout (also kept in the cache: images.env).
# shellcheck source=lib/all.sh
. "$(dirname "$0")/cluster/lib/all.sh"

root=$(cd "$(dirname "$0")/.." && pwd)
sources=(pyproject.toml README.md LICENSE .dockerignore requirements/build.txt {crds/tradefleet_api,bot/tradefleet_bot,operator/tradefleet_operator,models/tradefleet_models,sim/tradefleet_sim,console/tradefleet_console})

reference() { # image, tag: the image by digest when the registry has it
  local digest
  digest=$(curl -fsS -I -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
    -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$registry/v2/${1#*/}/manifests/$2" 2>/dev/null | tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" {print $2}')
  [ -n "$digest" ] && echo "$1@$digest"
}

ensure_image() { # part: prints its reference
  local image=$registry/tradefleet/$1 inputs tag
  inputs=$({ cd "$root" && tree_digest "Dockerfile.$1" "requirements/$1.txt" "${sources[@]}" && image_id "$python"; } | digest)
  tag=${inputs:0:16}
  reference "$image" "$tag" && return
  timed "image tradefleet/$1" docker_build "$image:$tag" "$inputs" -f "$root/Dockerfile.$1" "$root"
  timed "pushing tradefleet/$1" push "$image:$tag"
  reference "$image" "$tag" || die "the local registry lost $image:$tag right after the push; see: docker logs $registry_container"
}

push() { docker push "$1" >"$cache/push.log" 2>&1 || die "cannot push $1: $(tail -n1 "$cache/push.log")"; }

write_images_env() { # file
  local operator bot
  operator=$(ensure_image operator)
  bot=$(ensure_image bot)
  printf 'TRADEFLEET_OPERATOR_IMAGE=%s\nTRADEFLEET_BOT_IMAGE=%s\n' "$operator" "$bot" >"$1"
}

lock
ensure_engine
find_origin
ensure_python_image
ensure_registry
produce "$cache/images.env" write_images_env
cat "$cache/images.env"
