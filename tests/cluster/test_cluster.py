"""The cluster and the images stand as promised: named by digest, pulled from the local registry, safe to run."""

import json
import re

import pytest
from support.cluster import Cluster

SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.mark.parametrize("part", ["operator", "bot"])
def test_an_image_runs_by_digest_without_privileges(cluster: Cluster, cluster_namespace: str, part: str) -> None:
    image = {"operator": cluster.operator_image, "bot": cluster.bot_image}[part]
    assert re.fullmatch(rf"localhost:5001/tradefleet/{part}@sha256:[0-9a-f]{{64}}", image)
    script = (
        "import os, shutil, subprocess, sys, tradefleet_api\n"
        "assert os.getuid() == os.getgid() == 10001\n"
        "assert not os.access(tradefleet_api.__path__[0], os.W_OK)\n"
        "assert not [p for p in ('gcc', 'cc', 'g++', 'make') if shutil.which(p)]\n"
        "print(subprocess.check_output(['tradefleet', '--version'], text=True))\n"
    )
    container = {"name": "main", "image": image, "command": ["python", "-c", script], "securityContext": SAFE}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": part, "namespace": cluster_namespace},
            "spec": {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]},
        }
    )
    namespaced = ("-n", cluster_namespace)
    try:
        cluster.kubectl(*namespaced, "wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{part}", "--timeout=55s")
    finally:
        said = cluster.kubectl(*namespaced, "logs", part)
    assert said.startswith("tradefleet "), said
    pod = json.loads(cluster.kubectl(*namespaced, "get", "pod", part, "-o", "json"))
    assert pod["status"]["containerStatuses"][0]["imageID"].endswith(image.rpartition("@")[2])


def test_a_pod_without_privileges_writes_to_its_volume(cluster: Cluster, cluster_namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": cluster_namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    container = {
        "name": "main",
        "image": cluster.bot_image,
        "command": ["python", "-c", "import pathlib; pathlib.Path('/data/x').write_text('kept')"],
        "securityContext": SAFE,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "writer", "namespace": cluster_namespace},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"fsGroup": 10001},
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
    }
    cluster.apply(claim, pod)
    wait = ("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/writer", "--timeout=55s")
    cluster.kubectl("-n", cluster_namespace, *wait)
