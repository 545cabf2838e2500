# shellcheck shell=bash
# The cluster itself. A file in the cache names the configuration and the container of the last one that kind completed: a
# cluster that differs from it was interrupted while it was made, or is made of older parts, and is made anew.

made_mark=$cache/cluster

cluster_identity() { # what it is made of, and its container
  local image=$stock_node
  [ "$origin" = pull ] || image=$(image_id "$built_node")
  { echo "$image" && cat "$ground/node/kind-$origin.yaml"; } | digest
  docker inspect -f '{{.Id}}' "$node" 2>/dev/null || true
}

cluster_answers() {
  kubectl --request-timeout 5s get --raw /readyz &&
    # CoreDNS over the pod network, by way of its Service's endpoints: roll-outs say "ready" a little too early.
    kubectl --request-timeout 5s get --raw /api/v1/namespaces/kube-system/services/kube-dns:metrics/proxy/metrics
}

ensure_cluster() {
  if [ -s "$KUBECONFIG" ] && [ "$(cat "$made_mark" 2>/dev/null)" = "$(cluster_identity)" ]; then
    if [ "$(docker inspect -f '{{.State.Running}}' "$node")" != true ]; then
      timed "starting the node again" docker start "$node" >/dev/null
    fi
    join_registry
    if services_ready 1; then return; fi
    if timed "waiting for the cluster to answer" services_ready 120; then return; fi
    note "the cluster does not come back: making a new one"
  fi
  delete_cluster
  timed "creating the cluster" create_cluster
  cluster_identity >"$made_mark.part" && mv "$made_mark.part" "$made_mark"
  timed "waiting for the cluster's own services" services_ready 120 ||
    die "the cluster's own services do not get ready; see: KUBECONFIG=$KUBECONFIG kubectl get pods -A"
}

services_ready() { # seconds: `kind create --wait` returns before these are ready
  local what
  await "$1" cluster_answers || return 1
  for what in kube-system/daemonset/kube-proxy kube-system/deployment/coredns local-path-storage/deployment/local-path-provisioner; do
    kubectl -n "${what%%/*}" rollout status "${what#*/}" --timeout "$1s" >/dev/null 2>&1 || return 1
  done
}

create_cluster() {
  local log=$cache/kind.log image=$built_node
  [ "$origin" = build ] || image=$stock_node
  kind create cluster --config "$ground/node/kind-$origin.yaml" --image "$image" --kubeconfig "$KUBECONFIG.part" \
    --wait 120s >"$log" 2>&1 9>&- || die "kind cannot create the cluster: $(grep -m1 ERROR "$log" || tail -n1 "$log") (all of it: $log)"
  mv "$KUBECONFIG.part" "$KUBECONFIG"
  join_registry
  # By name on the cluster's network; containerd reads the folder at each pull.
  docker exec "$node" sh -ec "mkdir -p /etc/containerd/certs.d/$registry
    echo '[host.\"http://$registry_container:5000\"]' >/etc/containerd/certs.d/$registry/hosts.toml"
  # Where tools look for a cluster's local registry (KEP-1755).
  kubectl -n kube-public create configmap local-registry-hosting --from-literal=localRegistryHosting.v1="host: \"$registry\"" >/dev/null
}

delete_cluster() {
  rm -f "$made_mark" "$KUBECONFIG" "$KUBECONFIG.part"
  [ -z "$(docker ps -aq --filter "label=io.x-k8s.kind.cluster=$cluster")" ] ||
    timed "deleting the cluster" kind delete cluster --quiet --name "$cluster" --kubeconfig "$KUBECONFIG.part"
}
