"""The containers that bots and verification Jobs share: fetching a bundle by its digest."""

from tradefleet_api.names import BUNDLE_FILE, BUNDLE_MOUNT
from tradefleet_operator.actions import Json
from tradefleet_operator.manifests.common import artifact_mounts, artifact_volume, container_security

BUNDLE_VOLUME: Json = {"name": "bundle", "emptyDir": {"sizeLimit": "128Mi"}}


def fetch_container(image: str, uri: str, sha256: str) -> Json:
    """Init container: the bundle comes whole and with the right digest, or the termination message says why not."""
    return {
        "name": "fetch",
        "image": image,
        "command": ["tradefleet"],
        "args": ["models", "fetch", "--uri", uri, "--sha256", sha256, "--out", BUNDLE_FILE],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "bundle", "mountPath": BUNDLE_MOUNT}, *artifact_mounts(uri)],
    }


def bundle_volumes(uri: str) -> list[Json]:
    """Volumes that `fetch_container` needs."""
    artifact = artifact_volume(uri)
    return [BUNDLE_VOLUME, *([artifact] if artifact else [])]
