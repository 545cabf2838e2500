#!/bin/bash
# The whole road in a real cluster: set-up, two bots trading, a model rolled out, a tampered one refused.
# Every step looks first at what is already there, so a run that was interrupted goes on where it stopped.
# SIM_RECORDING=FILE plays a recording of the real market instead of the seeded generator.
# DEMO_UNTIL=install stops once the chart and the first model are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly system=tradefleet-system bots=trading
readonly recording_in_node=/var/lib/tradefleet-demo/recording.gz
started=$SECONDS

say() { printf '\n\033[1m[%3ds] %s\033[0m\n' $((SECONDS - started)) "$*"; }
note() { printf '        %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
trap 'printf "\ndemo: interrupted; run make demo again to go on from here\n" >&2; exit 130' INT TERM

bot() { kubectl -n $bots get tradingbot "$1" -o "jsonpath={$2}" 2>/dev/null || true; }

until_bot() { # name jsonpath wanted seconds: waits, printing each new step of the rollout as it comes
  local name=$1 path=$2 wanted=$3 deadline=$((SECONDS + $4)) last='' now
  until [ "$(bot "$name" "$path")" = "$wanted" ]; do
    [ $SECONDS -lt $deadline ] || { kubectl -n $bots describe tradingbot "$name" | tail -40; die "$name: $path is '$(bot "$name" "$path")', not '$wanted', after $4 s"; }
    now=$(kubectl -n $bots get tradingbot "$name" -o 'jsonpath={.status.phase}  stable={.status.stable.name}  candidate={.status.candidate.name}  step={.status.step.name}  {.status.message}' 2>/dev/null || true)
    [ "$now" = "$last" ] || { note "$(date +%T)  $now"; last=$now; }
    sleep 0.5
  done
}

configmap() { # name file: a bundle where the artifact's URI says it is
  kubectl -n $bots create configmap "$1" --from-file=bundle.tar="$2" --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f - >/dev/null
}

say "set-up: tools, cluster, images"
hack/setup.sh
hack/venv.sh
hack/cluster/up >/dev/null
eval "$(hack/cluster/env)"
export PATH="$PWD/.venv/bin:$PATH"
eval "$(hack/images.sh)"

market=()
if [ -n "${SIM_RECORDING-}" ]; then
  [ -r "$SIM_RECORDING" ] || die "SIM_RECORDING: cannot read $SIM_RECORDING; name a raw-frames .gz file"
  say "the simulator will play $(basename "$SIM_RECORDING")"
  node=$(kubectl get nodes -o 'jsonpath={.items[0].metadata.name}')
  docker exec "$node" mkdir -p "$(dirname $recording_in_node)"
  docker cp -q "$SIM_RECORDING" "$node:$recording_in_node" 2>/dev/null || docker cp "$SIM_RECORDING" "$node:$recording_in_node"
  docker exec "$node" chmod 0644 $recording_in_node
  market=(--set-json 'sim.extraArgs=["--recording","/recording/recording.gz"]'
    --set-json "sim.extraVolumes=[{\"name\":\"recording\",\"hostPath\":{\"path\":\"$(dirname $recording_in_node)\",\"type\":\"Directory\"}}]"
    --set-json 'sim.extraVolumeMounts=[{"name":"recording","mountPath":"/recording","readOnly":true}]')
fi

say "helm install"
kubectl create namespace $bots --dry-run=client -o yaml | kubectl apply -f - >/dev/null
kubectl apply --server-side --force-conflicts -f crds/ >/dev/null
helm upgrade --install tradefleet helm/tradefleet --namespace $system --create-namespace --wait --timeout 180s \
  --set "operator.image=$TRADEFLEET_OPERATOR_IMAGE" --set "bot.image=$TRADEFLEET_BOT_IMAGE" \
  --set "watchNamespaces={$bots}" "${market[@]}" >/dev/null
kubectl -n $system get pods
configmap model-demo-v1 models/zoo/demo-v1.tar
kubectl -n $bots apply -f examples/model-v1.yaml
[ "${DEMO_UNTIL-}" != install ] || exit 0

say "two bots: one trades on paper, one sends real orders over the wire to the simulator"
kubectl -n $bots apply -f examples/paper-btc.yaml -f examples/sim-live-btc.yaml
applied=$SECONDS
until_bot paper-btc .status.stable.name demo-v1 180
until_bot sim-live-btc .status.stable.name demo-v1 180
decided() { [ -n "$(bot paper-btc .status.bot.lastDecision)" ] && [ -n "$(bot sim-live-btc .status.bot.lastDecision)" ]; }
until decided; do [ $((SECONDS - applied)) -lt 180 ] || die "no decision after 180 s: kubectl -n $bots logs paper-btc-stable-0"; sleep 0.5; done
note "first decisions $((SECONDS - applied)) s after the apply"
traded() { [ "$(tradefleet status -n $bots --json | jq "[.[] | select(.report.fills > 0)] | length")" = 2 ]; }
until traded; do [ $((SECONDS - applied)) -lt 240 ] || { note "not every bot has a fill yet; the market may be quiet"; break; }; sleep 1; done
note "both have fills $((SECONDS - applied)) s after the apply"
for _ in 1 2 3; do tradefleet status -n $bots; sleep 3; done

say "a second model: apply it, change one line (model.name), and the operator does the rest"
configmap model-demo-v2 models/zoo/demo-v2.tar
kubectl -n $bots apply -f examples/model-v2.yaml
kubectl -n $bots patch tradingbot paper-btc --type merge -p '{"spec":{"model":{"name":"demo-v2"}}}'
until_bot paper-btc .status.stable.name demo-v2 240
kubectl -n $bots get tradingbots,modelversions
note "$(kubectl -n $bots get tradingbot paper-btc -o 'jsonpath={.status.history[-1:].outcome}: {.status.history[-1:].reason}')"

say "a third model whose bytes were tampered with after its digest was signed off: it must never start"
tampered=$(mktemp)
python - models/zoo/demo-v2.tar "$tampered" <<'PY'
import pathlib, sys
data = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
data[len(data) // 2] ^= 1  # one bit
pathlib.Path(sys.argv[2]).write_bytes(data)
PY
configmap model-demo-v3 "$tampered"; rm -f "$tampered"
kubectl -n $bots apply -f examples/model-v3-tampered.yaml
kubectl -n $bots patch tradingbot paper-btc --type merge -p '{"spec":{"model":{"name":"demo-v3"}}}'
until_bot paper-btc .status.failed.name demo-v3 180
kubectl -n $bots describe modelversion demo-v3 | sed -n '/^Status:/,$p'
kubectl -n $bots describe tradingbot paper-btc | sed -n '/^Events:/,$p'
note "stable is still $(bot paper-btc .status.stable.name), and trading:"
tradefleet status -n $bots

say "done. Look further:"
cat <<MORE
  eval "\$(hack/cluster/env)"                                    # kubectl and helm for this cluster
  kubectl get tb,mv -n $bots                                   # the fleet
  kubectl describe tb paper-btc -n $bots                       # conditions, events, history
  .venv/bin/tradefleet status -n $bots --watch                 # live: equity, position, orders, last decision
  kubectl logs -n $bots sim-live-btc-stable-0 -f               # one bot's structured log
  kubectl annotate tb sim-live-btc -n $bots tradefleet.dev/halt=Flatten   # the kill switch (remove it to go on)
  kubectl patch tb paper-btc -n $bots --type merge -p '{"spec":{"model":{"name":"demo-v2"}}}'   # mend the refused change
  make demo-down                                              # take it all down
MORE
