# shellcheck shell=bash
# The images a registry would have served, made here. Each carries the digest of its inputs, so that a change of an
# input, and nothing else, makes it anew; each appears only complete, so that an interrupted run goes on.

k8s_images=registry.k8s.io
stock_node=kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0 # of this kind
built_node=tradefleet/node:$k8s_version
debian=tradefleet/debian:bookworm # newer systemd refuses cgroup v1
node_base=tradefleet/node-base:bookworm
proxy_base=tradefleet/proxy-base:bookworm
python=python:3.11-slim
ca_bundle=/etc/ssl/certs/ca-certificates.crt
build_container=tradefleet-node-build

docker_build() { # image, inputs, arguments of docker build…
  local image=$1 inputs=$2
  shift 2
  docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0 # the builder of an engine without that plugin
  docker build --force-rm --network host --label "$inputs_label=$inputs" --tag "$image" "$@" >"$cache/build.log" 2>&1 ||
    die "docker cannot build $image: $(tail -n1 "$cache/build.log") (all of it: $cache/build.log)"
}

ensure_debian() {
  local inputs
  inputs=bookworm-minbase-1 # raise the number to install anew
  is_current "$debian" "$inputs" || timed "installing Debian into an image" bootstrap_debian "$inputs"
}

bootstrap_debian() { # inputs
  need debootstrap
  rm -rf "$cache/rootfs"
  debootstrap --variant=minbase bookworm "$cache/rootfs" >"$cache/debootstrap.log" ||
    die "debootstrap failed: $(tail -n1 "$cache/debootstrap.log")"
  (cd "$cache/rootfs" && rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* usr/share/{doc,man,locale,info}/*)
  tar -C "$cache/rootfs" -c . | docker import --change "LABEL $inputs_label=$1" - "$debian" >/dev/null
  rm -rf "$cache/rootfs"
}

# name -> image, binary, its folder in the image, base
image_of() {
  case $1 in
    kube-proxy) echo "$k8s_images/kube-proxy:$k8s_version kube-proxy /usr/local/bin $proxy_base" ;; # calls iptables
    kube-*) echo "$k8s_images/$1:$k8s_version $1 /usr/local/bin scratch" ;;
    etcd) echo "$k8s_images/etcd:3.6.6-0 etcd /usr/local/bin scratch" ;;
    coredns) echo "$k8s_images/coredns/coredns:v1.14.7 coredns / scratch" ;;
    pause) echo "$k8s_images/pause:3.10 pause / scratch" ;;
    local-path-provisioner) echo "docker.io/rancher/local-path-provisioner:v0.0.30 local-path-provisioner /usr/bin scratch" ;;
  esac
}

control_plane=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd coredns pause local-path-provisioner)

ensure_control_plane_images() {
  local name
  for name in "${control_plane[@]}"; do ensure_control_plane_image "$name"; done
}

ensure_control_plane_image() { # name
  local image file folder base inputs context
  read -r image file folder base <<<"$(image_of "$1")"
  inputs=$({ cat "$bin/.$file.inputs"; echo "$folder"; [ "$base" = scratch ] || image_id "$base"; } | digest)
  is_current "$image" "$inputs" && return
  context=$cache/context.part
  rm -rf "$context" && mkdir "$context"
  cp "$bin/$file" "$context/"
  printf 'FROM %s\nCOPY %s %s/\nENTRYPOINT ["%s/%s"]\n' "$base" "$file" "${folder%/}" "${folder%/}" "$file" >"$context/Dockerfile"
  timed "image $image" docker_build "$image" "$inputs" "$context"
  rm -rf "$context"
}

ensure_node_image() {
  local inputs name
  ensure_binaries kubelet kubeadm kubectl "${control_plane[@]}"
  ensure_debian
  ensure_base "$node_base" Dockerfile.base
  ensure_base "$proxy_base" Dockerfile.proxy
  ensure_control_plane_images
  docker tag "$debian" "docker.io/$debian"
  inputs=$({
    tree_digest "$ground/node/Dockerfile.node" "$ground/node/files"
    declare -f assemble_node fill_node_context import_images
    cat "$ground/go/kind/go.mod" "$ground/go/local-path/go.mod" "$bin"/.kube{let,adm,ctl}.inputs
    image_id "$debian"
    for name in "${control_plane[@]}"; do read -r image _ <<<"$(image_of "$name")" && image_id "$image"; done
  } | digest)
  is_current "$built_node" "$inputs" || timed "assembling the node image" assemble_node "$inputs"
}

ensure_base() { # image, Dockerfile: Debian with more packages
  local inputs
  inputs=$({ cat "$ground/node/$2"; image_id "$debian"; } | digest)
  is_current "$1" "$inputs" || timed "installing packages into $1" docker_build "$1" "$inputs" - <"$ground/node/$2"
}

assemble_node() { # inputs
  local context=$cache/context.part
  docker rm -f "$build_container" >/dev/null 2>&1 || true
  rm -rf "$context" && mkdir "$context"
  fill_node_context "$context"
  docker_build "$built_node-empty" "$1" -f "$ground/node/Dockerfile.node" --build-arg "VERSION=$k8s_version" "$context"
  rm -rf "$context"
  docker run -d --name "$build_container" --privileged --entrypoint sleep "$built_node-empty" infinity >/dev/null
  import_images
  docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' --change 'CMD []' \
    --change "LABEL $inputs_label=$1" "$build_container" "$built_node" >/dev/null
  docker rm -f "$build_container" >/dev/null
}

fill_node_context() { # folder
  mkdir "$1/bin"
  cp "$bin"/{kubelet,kubeadm,kubectl} "$1/bin/"
  cp -r "$ground/node/files" "$1/node-files"
  cp -r "$(module_dir kind sigs.k8s.io/kind)/images/base/files" "$1/kindfiles"
  # kind applies this file as the default storage by itself; the volumes' helper pod needs only a shell.
  mkdir -p "$1/node-files/kind/manifests"
  sed -e "s#image: busybox#image: docker.io/$debian#" -e 's#image: rancher#image: docker.io/rancher#' \
    -e 's#            - local-path-provisioner$#            - /usr/bin/local-path-provisioner#' \
    -e 's#^  name: local-path$#  name: standard\n  annotations: {storageclass.kubernetes.io/is-default-class: "true"}#' \
    "$(module_dir local-path github.com/rancher/local-path-provisioner)/deploy/local-path-storage.yaml" \
    >"$1/node-files/kind/manifests/default-storage.yaml"
  chmod -R u+w "$1"
}

import_images() { # into the build container's containerd, pinned so that the kubelet never collects them
  local name image images=("docker.io/$debian")
  for name in "${control_plane[@]}"; do read -r image _ <<<"$(image_of "$name")" && images+=("$image"); done
  docker exec -d "$build_container" containerd
  await 30 docker exec "$build_container" ctr version || die "containerd does not start inside the node image."
  docker save "${images[@]}" |
    docker exec -i "$build_container" ctr -n k8s.io images import --all-platforms --no-unpack --digests - >/dev/null
  docker exec "$build_container" sh -ec '
    for image in $(ctr -n k8s.io images ls -q); do ctr -n k8s.io images label "$image" io.cri-containerd.pinned=pinned >/dev/null; done
    pkill containerd; while pgrep -x containerd >/dev/null; do sleep 0.1; done; rm -rf /run/containerd'
}

# A stand-in under the upstream name, so that the project's Dockerfiles are the standard ones. It knows the machine's CA
# bundle, because a network without an image registry is often one that re-signs TLS.
ensure_python_image() {
  local inputs context=$cache/context.part
  if [ "$origin" = pull ]; then
    has_image "$python" || timed "pulling $python" docker pull -q "$python" >/dev/null
    return
  fi
  ensure_debian
  inputs=$({ cat "$ground/node/Dockerfile.python" "$ca_bundle"; image_id "$debian"; } | digest)
  is_current "$python" "$inputs" && return
  rm -rf "$context" && mkdir "$context"
  cp "$ca_bundle" "$context/"
  timed "stand-in for $python" docker_build "$python" "$inputs" -f "$ground/node/Dockerfile.python" "$context"
  rm -rf "$context"
}
