# shellcheck shell=bash
# The cluster itself. A file in the cache names the configuration and the container of the last one that got ready: a
# cluster that differs from it was interrupted while it came up, or is made of older parts, and is made anew.

ready_mark=$cache/cluster

cluster_identity() {
  echo "$({ if [ "$origin" = pull ]; then echo "$stock_node"; else image_id "$built_node"; fi; cat "$ground/node/kind-$origin.yaml"; } | digest) $(docker inspect -f '{{.Id}}' "$node" 2>/dev/null)"
}

cluster_answers() {
  kubectl --request-timeout 5s get --raw /readyz &&
    # CoreDNS over the pod network, by way of its Service's endpoints: roll-outs say "ready" a little too early.
    kubectl --request-timeout 5s get --raw /api/v1/namespaces/kube-system/services/kube-dns:metrics/proxy/metrics
}

ensure_cluster() {
  if [ -s "$KUBECONFIG" ] && [ "$(cat "$ready_mark" 2>/dev/null)" = "$(cluster_identity)" ]; then
    if [ "$(docker inspect -f '{{.State.Running}}' "$node")" != true ]; then
      timed "starting the node again" docker start "$node" >/dev/null
    fi
    join_registry
    cluster_answers >/dev/null 2>&1 && return
    if timed "waiting for the cluster to answer" await 90 cluster_answers; then return; fi
    note "the cluster does not come back: making a new one"
  fi
  delete_cluster
  timed "creating the cluster" create_cluster
  timed "waiting for the cluster's own services" await_services
  cluster_identity >"$ready_mark.part" && mv "$ready_mark.part" "$ready_mark"
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

await_services() { # `kind create --wait` returns before these are ready
  local what
  for what in kube-system/daemonset/kube-proxy kube-system/deployment/coredns local-path-storage/deployment/local-path-provisioner; do
    kubectl -n "${what%%/*}" rollout status "${what#*/}" --timeout 120s >/dev/null || die "${what#*/} does not get ready; see: kubectl -n ${what%%/*} get pods"
  done
  await 60 cluster_answers || die "the cluster's services do not answer; see: kubectl -n kube-system get pods"
}

delete_cluster() {
  rm -f "$ready_mark" "$KUBECONFIG" "$KUBECONFIG.part"
  [ -z "$(docker ps -aq --filter "label=io.x-k8s.kind.cluster=$cluster")" ] ||
    timed "deleting the cluster" kind delete cluster --quiet --name "$cluster" --kubeconfig "$KUBECONFIG.part"
}
