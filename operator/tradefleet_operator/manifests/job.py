"""The Job that verifies a ModelVersion once: fetch by digest, then the bundle's own verifier."""

from typing import Final

from tradefleet_api.modelversion import ModelVersionSpec
from tradefleet_api.names import BUNDLE_FILE, BUNDLE_MOUNT, LABEL_MODEL
from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import container_security, owner, pod_security
from tradefleet_operator.manifests.containers import bundle_volumes, fetch_container
from tradefleet_operator.names import LABEL_COMPONENT, content_hash, managed_labels

COMPONENT: Final = "verify"
_KEEP_SECONDS: Final = 3600
_RETRY_FOREVER: Final = 2_147_483_647


def verification_job(namespace: str, model: str, model_uid: str, spec: ModelVersionSpec, image: str) -> Json:
    """The Job, named by what it checks and with which image; an image that changes makes another Job.

    The kubelet retries the containers in place with its own backoff: an artifact that comes late is found, and no pod
    is made anew. The operator ends the Job when the verdict is final.
    """
    uri, sha256 = spec.artifact.uri, spec.artifact.sha256
    labels = managed_labels({LABEL_MODEL: model, LABEL_COMPONENT: COMPONENT})
    pod: Json = {
        "restartPolicy": "OnFailure",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "initContainers": [fetch_container(image, uri, sha256)],
        "containers": [_verify_container(image, sha256)],
        "volumes": bundle_volumes(uri),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(model, model_uid, spec, image),
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner("ModelVersion", model, model_uid)],
        },
        "spec": {
            "backoffLimit": _RETRY_FOREVER,
            "ttlSecondsAfterFinished": _KEEP_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def job_name(model: str, model_uid: str, spec: ModelVersionSpec, image: str) -> str:
    """`verify-<model>-<hash10>`, at most 58 characters, so that it fits a label."""
    what = [model, model_uid, spec.artifact.uri, spec.artifact.sha256, image]
    return f"verify-{model.replace('.', '-')}-{content_hash(what)}"


def _verify_container(image: str, sha256: str) -> Json:
    return {
        "name": "verify",
        "image": image,
        "command": ["tradefleet"],
        "args": ["models", "verify", BUNDLE_FILE, "--sha256", sha256, "--json"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "env": [{"name": "TRADEFLEET_TERMINATION_LOG", "value": "/dev/termination-log"}],
        "securityContext": container_security(),
        "volumeMounts": [{"name": "bundle", "mountPath": BUNDLE_MOUNT, "readOnly": True}],
    }
