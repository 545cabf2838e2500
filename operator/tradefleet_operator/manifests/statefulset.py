"""The StatefulSet of an arm: at most one pod of an identity, which is the first layer of fencing."""

from tradefleet_api.names import BUNDLE_MOUNT, CONFIG_FILE, CONFIG_MOUNT, CREDENTIALS_MOUNT, DATA_MOUNT, LABEL_MODEL
from tradefleet_api.tradingbot import TradingBotSpec
from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import (
    Workload,
    container_security,
    cpu_quantity,
    memory_quantity,
    pod_security,
)
from tradefleet_operator.manifests.containers import bundle_volumes, fetch_container
from tradefleet_operator.names import ANNOTATION_DIGEST, managed_labels


def stateful_set(workload: Workload, config_name: str) -> Json:
    """One pod of the bot with this model and configuration.

    Parallel pod management: with the ordered kind a pod that never gets ready blocks its own repair.
    """
    arm, model = workload.arm, workload.model
    labels = managed_labels({**arm.selector, LABEL_MODEL: model.name})
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": arm.metadata(labels={LABEL_MODEL: model.name}),
        "spec": {
            "replicas": 1,
            "serviceName": arm.name,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "revisionHistoryLimit": 2,
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain" if arm.arm == "stable" else "Delete",  # the ledger outlives the bot
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": arm.selector},
            "template": {
                "metadata": {"labels": labels, "annotations": {ANNOTATION_DIGEST: model.digest}},
                "spec": _pod_spec(workload, config_name),
            },
            "volumeClaimTemplates": [_claim(workload.spec)],
        },
    }


def _pod_spec(workload: Workload, config_name: str) -> Json:
    uri, image = workload.uri, workload.image
    volumes: list[Json] = [*bundle_volumes(uri), {"name": "config", "configMap": {"name": config_name}}]
    mounts: list[Json] = [
        {"name": "bundle", "mountPath": BUNDLE_MOUNT, "readOnly": True},
        {"name": "config", "mountPath": CONFIG_MOUNT, "readOnly": True},
        {"name": "data", "mountPath": DATA_MOUNT},
    ]
    if workload.secret is not None:
        volumes.append({"name": "venue", "secret": {"secretName": workload.secret}})
        mounts.append({"name": "venue", "mountPath": CREDENTIALS_MOUNT, "readOnly": True})
    pod: Json = {
        "serviceAccountName": workload.arm.name,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": pod_security(),
        "initContainers": [fetch_container(image, uri, workload.model.digest)],
        "containers": [_bot_container(workload, mounts)],
        "volumes": volumes,
    }
    if workload.spec.pod.node_selector:
        pod["nodeSelector"] = dict(workload.spec.pod.node_selector)
    return pod


def _bot_container(workload: Workload, mounts: list[Json]) -> Json:
    pod = workload.spec.pod
    return {
        "name": "bot",
        "image": workload.image,
        "command": ["tradefleet"],
        "args": ["bot", "run", "--config", CONFIG_FILE],
        "env": [
            {"name": "TRADEFLEET_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "TRADEFLEET_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "ports": [{"name": "http", "containerPort": workload.defaults.bot_port, "protocol": "TCP"}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {
            "requests": {"cpu": cpu_quantity(pod.cpu_request), "memory": memory_quantity(pod.memory_request)},
            "limits": {"memory": memory_quantity(pod.memory_limit)},
        },
        "readinessProbe": _probe("/readiness", period=2, failures=3),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
        "startupProbe": _probe("/healthz", period=1, failures=60),
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }


def _probe(path: str, period: int, failures: int) -> Json:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _claim(spec: TradingBotSpec) -> Json:
    claim: Json = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": memory_quantity(spec.storage.size)}},
        "volumeMode": "Filesystem",
    }
    if spec.storage.class_name is not None:
        claim["storageClassName"] = spec.storage.class_name
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim}
