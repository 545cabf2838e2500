"""Fetch a bundle to a local file and hold it to its digest: what a bot's init container does, with stdlib only.

The file appears at its place whole and verified, or not at all.
"""

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Final
from urllib.request import Request

from tradefleet_api.artifact import HttpsArtifact, parse
from tradefleet_api.bundle import MAX_BYTES, BundleError

ARTIFACT_MOUNT: Final = Path("/artifact")
"""Where a pod mounts the ConfigMap or claim of a `configmap://` or `pvc://` URI."""
_CHUNK: Final = 256 * 1024


class UnreachableError(BundleError):
    """The artifact could not be read; a later try may succeed."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the signature is urllib's
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError("redirected away from https, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(uri: str, sha256: str, out: Path, mounts: Path = ARTIFACT_MOUNT, timeout: float = 30.0) -> None:
    """Write the bundle at `uri` to `out` if its SHA-256 is `sha256`; a file that is already right is left alone.

    `mounts` is the folder that holds KEY of `configmap://NAME/KEY` or PATH of `pvc://CLAIM/PATH`. `timeout` is in
    seconds, per network operation.

    Raises UriError for a URI of no known form, UnreachableError where a retry may help, BundleError for wrong content.
    """
    artifact = parse(uri)
    if out.is_file() and _digest(out) == sha256:
        return
    try:
        if isinstance(artifact, HttpsArtifact):
            with _opened(artifact.url, timeout) as source:
                _copy(source, uri, sha256, out)
        else:
            with _mounted(mounts, artifact.path, uri).open("rb") as source:
                _copy(source, uri, sha256, out)
    except urllib.error.HTTPError as error:
        raise UnreachableError(f"{uri}: the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UnreachableError(f"{uri}: {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise UnreachableError(
            f"{uri}: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}"
        ) from error


@contextmanager
def _opened(url: str, timeout: float) -> Iterator[IO[bytes]]:
    opener = urllib.request.build_opener(_HttpsOnly())
    request = Request(url, headers={"User-Agent": "tradefleet"})  # noqa: S310 - parse() let only https through
    with opener.open(request, timeout=timeout) as response:
        yield response


def _mounted(mounts: Path, path: str, uri: str) -> Path:
    """The file under the mount; links are followed (the kubelet makes them for ConfigMap keys), but not out of it."""
    found = (mounts / path).resolve()
    if not found.is_relative_to(mounts.resolve()):
        raise BundleError(f"{uri}: leads out of its volume, which is refused")
    if not found.is_file():
        raise UnreachableError(f"{uri}: there is no file {path!r} in it")
    return found


def _copy(source: IO[bytes], uri: str, expected: str, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as target:
        part = Path(target.name)
        try:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise BundleError(f"{uri}: larger than the limit of {MAX_BYTES} bytes (64 MiB)")
                digest.update(chunk)
                target.write(chunk)
            if digest.hexdigest() != expected:
                raise BundleError(f"{uri}: bundle digest mismatch: expected {expected}, measured {digest.hexdigest()}")
            target.flush()
            os.fsync(target.fileno())
            part.chmod(0o644)  # the init container writes it, the bot's container only reads it
            part.replace(out)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
