# shellcheck shell=bash
# The programs of the cluster, in the cache's bin/: built from their Go modules, or taken out of the published images.

k8s_version=v1.35.4
helm_version=v4.3.1

need_go() {
  local have
  command -v go >/dev/null || die "Go is missing: install 1.26.8 or newer (any version from 1.21 on fetches it by itself)."
  have=$(go env GOVERSION)
  [ "$(printf '%s\n' go1.21 "$have" | sort -V | head -n1)" = go1.21 ] || die "Go is $have: 1.26.8 or newer is needed (any version from 1.21 on fetches it by itself)."
}

ensure_binaries() {
  local name
  for name; do
    if is_built "$name"; then continue; fi
    if is_go_built "$name"; then build_binary "$name"; else pull_binary "$name"; fi
    binary_inputs "$name" >"$bin/.$name.inputs"
  done
}

is_built() { [ -x "$bin/$1" ] && [ "$(cat "$bin/.$1.inputs" 2>/dev/null)" = "$(binary_inputs "$1")" ]; }

is_go_built() { [ "$origin" = build ] || [ "$1" = kind ] || [ "$1" = helm ]; }

module_dir() { (cd "$ground/go/$1" && go list -m -f '{{.Dir}}' "$2"); }

# name -> its module's folder under go/ (- without one), its package, and what the linker is told
recipe() {
  local v=k8s.io/component-base/version
  case $1 in
    kind) echo "kind sigs.k8s.io/kind -s -w" ;;
    coredns) echo "coredns github.com/coredns/coredns -s -w" ;;
    etcd) echo "etcd go.etcd.io/etcd/server/v3 -s -w" ;;
    local-path-provisioner) echo "local-path github.com/rancher/local-path-provisioner -s -w" ;;
    pause) echo "k8s build/pause -s -w" ;;
    helm) echo "- helm.sh/helm/v4/cmd/helm@$helm_version -s -w" ;;
    kube*) # without these it reports v0.0.0
      echo "k8s k8s.io/kubernetes/cmd/$1 -s -w -X $v.gitVersion=$k8s_version -X $v.gitMajor=1 -X $v.gitMinor=35" \
        "-X $v.gitTreeState=clean -X $v.gitCommit=unknown -X $v.buildDate=2026-01-01T00:00:00Z" ;;
    *) die "nobody knows how to make $1." ;;
  esac
}

binary_inputs() { # name: the digest of all that decides how it turns out
  local line module package flags
  if ! is_go_built "$1"; then echo "$stock_node" && return; fi
  line=$(recipe "$1")
  read -r module package flags <<<"$line"
  { echo "$package $flags"; [ "$module" = - ] || cat "$ground/go/$module/go.mod" "$ground/go/$module/go.sum"; } | digest
}

build_binary() { # name
  local line module package flags
  line=$(recipe "$1")
  read -r module package flags <<<"$line"
  need_go
  case $1 in
    pause) need gcc && timed "building pause" produce "$bin/pause" compile_pause ;;
    helm) timed "building helm" produce "$bin/helm" go_install "$package" ;;
    *) timed "building $1" produce "$bin/$1" go_build "$module" "$package" "$flags" ;;
  esac
}

go_build() { # module folder, package, ldflags, where
  (cd "$ground/go/$1" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "$3" -o "$4" "$2") 2> >(grep -v '^go: downloading' >&2)
}

go_install() { # package, where
  rm -rf "$cache/gobin"
  CGO_ENABLED=0 GOBIN=$cache/gobin go install -trimpath -ldflags '-s -w' "$1" 2> >(grep -v '^go: downloading' >&2)
  mv "$cache/gobin/"* "$2"
}

compile_pause() { gcc -Os -static -DVERSION=v3.10 -o "$1" "$(module_dir k8s k8s.io/kubernetes)/build/pause/linux/pause.c"; }

pull_binary() { # name: out of the stock node image, or of the image that it would run
  local image=$stock_node path=/usr/bin/$1
  case $1 in kubectl | kubeadm | kubelet) ;; *) image=$(stock_image "$1") path=/usr/local/bin/$1 ;; esac
  timed "taking $1 out of $image" produce "$bin/$1" copy_out "$image" "$path"
}

stock_image() { # name: the published image of that program for the stock node's version of Kubernetes
  local version
  version=$(docker run --rm --entrypoint cat "$stock_node" /kind/version)
  docker run --rm --entrypoint kubeadm "$stock_node" config images list --kubernetes-version "$version" | grep "/$1:"
}

copy_out() { # image, path in it, where
  local container
  container=$(docker create "$1")
  docker cp -q "$container:$2" "$3" 2>/dev/null || docker cp "$container:$2" "$3"
  docker rm "$container" >/dev/null
}
