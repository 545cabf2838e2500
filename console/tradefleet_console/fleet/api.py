"""Read-only way to the API server through `kubectl proxy` on a private Unix socket.

kubectl knows every kind of kubeconfig and login; one process serves all requests, and no port is opened to others on
the machine.
"""

import http.client
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradefleet_api.refusal import RefusedError

TIMEOUT = 10.0  # s, for one answer
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Api:
    """Requests to one API server; may be used by several threads."""

    path: Path

    def get(self, path: str) -> Any:
        """The decoded JSON of a GET; a server that is busy is asked again, as it says.

        Raises RefusedError with what the server, or the way to it, said.
        """
        status, headers, text = self._ask(path)
        for _ in range(_TRIES):
            if status != http.client.TOO_MANY_REQUESTS:
                break
            time.sleep(min(float(headers.get("Retry-After", "1")), TIMEOUT))
            status, headers, text = self._ask(path)
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = None
        if status != http.client.OK or decoded is None:
            said = decoded.get("message") if isinstance(decoded, dict) else text
            raise RefusedError(" ".join(str(said or f"status {status}").split())[:300])
        return decoded

    def _ask(self, path: str) -> tuple[int, http.client.HTTPMessage, str]:
        connection = _Connection(self.path)
        try:
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise RefusedError(f"no answer from the API server: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()


@contextmanager
def connected(context: str | None = None) -> Iterator[Api]:
    """The API server of a kubeconfig context (the current one unless named).

    Raises RefusedError where kubectl is missing or cannot start.
    """
    with tempfile.TemporaryDirectory(prefix="tradefleet-") as folder:
        path = Path(folder) / "api"
        command = ["kubectl", *([] if context is None else ["--context", context]), "proxy", f"--unix-socket={path}"]
        with (Path(folder) / "errors").open("w+") as errors:  # not a pipe: nobody would read it
            try:
                process = subprocess.Popen(  # noqa: S603 - the name of a context is no shell text
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
                )
            except FileNotFoundError as error:
                raise RefusedError("kubectl is not on the PATH: install it, or run hack/setup.sh") from error
            with process:
                try:
                    assert process.stdout is not None  # noqa: S101 - asked for above; for the type checker
                    if not process.stdout.readline():  # it says when it serves
                        process.wait()
                        errors.seek(0)
                        raise RefusedError(f"kubectl: {' '.join(errors.read().split()) or 'ended without a word'}")
                    yield Api(path)
                finally:
                    process.terminate()


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket; kubectl proxy answers to the host name `localhost` only."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
