#!/bin/bash
# Takes the demo down: the bots flatten first, then the release, then the cluster. Caches and images stay.
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(hack/cluster/env)"
if kubectl get --raw /readyz --request-timeout 3s >/dev/null 2>&1; then
  echo "bots: flatten and go"
  kubectl -n trading delete tradingbots --all --timeout 90s --ignore-not-found
  kubectl -n trading delete modelversions --all --timeout 60s --ignore-not-found
  helm uninstall tradefleet -n tradefleet-system --ignore-not-found --wait
  kubectl delete namespace trading tradefleet-system --ignore-not-found --timeout 90s
fi
hack/cluster/down
