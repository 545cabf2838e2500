"""Where a bundle lies: the schemes of `ModelVersion.spec.artifact.uri`, parsed once for operator and init container."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tradefleet_api.refusal import RefusedError

_NAME: Final = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_CONFIG_MAP: Final = re.compile(rf"configmap://({_NAME})/([-._a-zA-Z0-9]{{1,253}})")
_CLAIM: Final = re.compile(rf"pvc://({_NAME})/([-._a-zA-Z0-9]+(?:/[-._a-zA-Z0-9]+)*)")


class UriError(RefusedError):
    """An artifact URI of no known form."""


@dataclass(frozen=True, slots=True)
class HttpsArtifact:
    """A file on a web server."""

    url: str


@dataclass(frozen=True, slots=True)
class ConfigMapArtifact:
    """A key of a ConfigMap's binaryData, in the ModelVersion's namespace; the pod mounts the ConfigMap."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class ClaimArtifact:
    """A file on a PersistentVolumeClaim, in the ModelVersion's namespace; the pod mounts the claim."""

    name: str
    path: str


Artifact = HttpsArtifact | ConfigMapArtifact | ClaimArtifact


def parse(uri: str) -> Artifact:
    """The place that an artifact URI names.

    Raises UriError, naming the accepted forms.

    >>> parse("configmap://demo-models/demo-v1.tar")
    ConfigMapArtifact(name='demo-models', path='demo-v1.tar')
    """
    if _https(uri):
        return HttpsArtifact(uri)
    if match := _CONFIG_MAP.fullmatch(uri):
        found: ConfigMapArtifact | ClaimArtifact = ConfigMapArtifact(match[1], match[2])
    elif match := _CLAIM.fullmatch(uri):
        found = ClaimArtifact(match[1], match[2])
    else:
        raise UriError(f"artifact uri {uri!r}: write https://HOST/PATH, configmap://NAME/KEY or pvc://CLAIM/PATH")
    if any(part in {".", ".."} for part in found.path.split("/")):
        raise UriError(f"artifact uri {uri!r}: '.' and '..' are refused in its path")
    return found


def _https(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and uri.isascii() and uri.isprintable() and " " not in uri
