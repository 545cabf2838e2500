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
    if [ "$name" = helm ] || [ "$name" = kind ] || [ "$origin" = build ]; then build_binary "$name"; else pull_binary "$name"; fi
  done
}

module_dir() { (cd "$ground/go/$1" && go list -m -f '{{.Dir}}' "$2"); }

build_binary() { # name
  local name=$1 module package flags='-s -w' inputs v=k8s.io/component-base/version
  case $name in
    kind) module=kind package=sigs.k8s.io/kind ;;
    coredns) module=coredns package=github.com/coredns/coredns ;;
    etcd) module=etcd package=go.etcd.io/etcd/server/v3 ;;
    local-path-provisioner) module=local-path package=github.com/rancher/local-path-provisioner ;;
    pause) module=k8s package=build/pause ;;
    helm) module='' package=helm.sh/helm/v4/cmd/helm@$helm_version ;;
    *) module=k8s package=k8s.io/kubernetes/cmd/$name # without these it reports v0.0.0
      flags="-s -w -X $v.gitVersion=$k8s_version -X $v.gitMajor=1 -X $v.gitMinor=35 -X $v.gitTreeState=clean -X $v.gitCommit=unknown -X $v.buildDate=2026-01-01T00:00:00Z" ;;
  esac
  inputs=$({ echo "$package $flags"; [ -z "$module" ] || cat "$ground/go/$module/go.mod" "$ground/go/$module/go.sum"; } | digest)
  [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.inputs" 2>/dev/null)" = "$inputs" ] && return
  need_go
  case $name in
    pause) need gcc && timed "building pause" produce "$bin/pause" compile_pause ;;
    helm) timed "building helm" produce "$bin/helm" go_install "$package" ;;
    *) timed "building $name" produce "$bin/$name" go_build "$module" "$package" "$flags" ;;
  esac
  echo "$inputs" >"$bin/.$name.inputs"
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

pull_binary() { # name: from the stock node image, or from the image that it would run
  local name=$1 image path
  [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.inputs" 2>/dev/null)" = "$stock_node" ] && return
  case $name in
    kubectl | kubeadm | kubelet) image=$stock_node path=/usr/bin/$name ;;
    *) image=$(docker run --rm --entrypoint kubeadm "$stock_node" config images list \
        --kubernetes-version "$(docker run --rm --entrypoint cat "$stock_node" /kind/version)" | grep "/$name:")
      path=/usr/local/bin/$name ;;
  esac
  timed "taking $name out of $image" produce "$bin/$name" copy_out "$image" "$path"
  echo "$stock_node" >"$bin/.$name.inputs"
}

copy_out() { # image, path in it, where
  local container
  container=$(docker create "$1")
  docker cp -q "$container:$2" "$3" 2>/dev/null || docker cp "$container:$2" "$3"
  docker rm "$container" >/dev/null
}
