"""Where a bundle lies: the schemes of `ModelVersion.spec.artifact.uri`, parsed once for operator and init container."""

import re
from dataclasses import dataclass
from typing import Final

from tradefleet_api.refusal import RefusedError

_NAME: Final = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_HTTPS: Final = r"https://([-A-Za-z0-9.]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?"
_CONFIG_MAP: Final = rf"configmap://{_NAME}/[-._a-zA-Z0-9]{{1,253}}"
_CLAIM: Final = rf"pvc://{_NAME}(/[-._a-zA-Z0-9]+)+"
FORMS: Final = (_HTTPS, _CONFIG_MAP, _CLAIM)
"""Regular expressions (RE2 syntax, whole string) of the URIs that `parse` knows, but for `.` and `..` in a path."""


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
    if re.fullmatch(_HTTPS, uri):
        return HttpsArtifact(uri)
    if not re.fullmatch(f"{_CONFIG_MAP}|{_CLAIM}", uri):
        raise UriError(f"artifact uri {uri!r}: write https://HOST/PATH, configmap://NAME/KEY or pvc://CLAIM/PATH")
    scheme, _, rest = uri.partition("://")
    name, _, path = rest.partition("/")
    if any(part in {".", ".."} for part in path.split("/")):
        raise UriError(f"artifact uri {uri!r}: '.' and '..' are refused in its path")
    return ConfigMapArtifact(name, path) if scheme == "configmap" else ClaimArtifact(name, path)
