"""What a test does with an API server, the bare one or a cluster's: kubectl, plain requests, CRDs, a namespace."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[2]
GROUND = ROOT / "hack" / "cluster"


def ground(*command: str, timeout: float) -> str:
    """Run one of the project's set-up scripts and return its stdout; what it says on stderr is the error's text.

    The script is waited for, also when it has to build what it makes sure of: `timeout` is in seconds.
    """
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Kube:
    """An API server and the administrator's way in."""

    kubeconfig: Path
    tools: Path
    url: str
    token: str | None = None
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    @classmethod
    def of(cls, kubeconfig: Path, tools: Path, **more: Any) -> Self:
        """Read the first cluster and user of a kubeconfig: a token, or a client certificate with its key."""
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as pem:  # the ssl module reads a certificate's chain from files only
                for part in ("client-certificate-data", "client-key-data"):
                    pem.write(base64.b64decode(user[part]) + b"\n")
                pem.flush()
                tls.load_cert_chain(pem.name)
        return cls(kubeconfig=kubeconfig, tools=tools, url=cluster["server"], token=user.get("token"), tls=tls, **more)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment in which kubectl, helm and kopf find this server."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PATH": f"{self.tools}:{os.environ['PATH']}"}

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl and return its stdout; raises `CalledProcessError` with its stderr as a note."""
        try:
            return subprocess.run(
                ["kubectl", *arguments],
                env=self.environment,
                input=stdin or "",
                capture_output=True,
                text=True,
                check=True,
                timeout=timeout,
            ).stdout
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects server-side."""
        self.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Send one HTTP request as the administrator: (status code, decoded JSON). Never raises for a refusal."""
        server = urlsplit(self.url)
        assert server.hostname is not None
        connection = http.client.HTTPSConnection(server.hostname, server.port, context=self.tls, timeout=30)
        headers = {"Accept": "application/json", "Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if "json" in answer.headers.get_content_type() else text

    def apply_crds(self) -> None:
        """Install the project's CRDs as generated, and wait until the server serves them."""
        files = sorted((ROOT / "crds").glob("*.yaml"))
        assert files, "crds/ holds no generated YAML: run make crds"
        named = [argument for file in files for argument in ("-f", str(file))]
        self.kubectl("apply", "--server-side", "--force-conflicts", *named)
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", *named)

    def namespace(self, prefix: str = "test") -> str:
        """Create a namespace that no other test uses."""
        name = f"{prefix}-{uuid.uuid4().hex[:10]}"
        status, answer = self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert status == http.client.CREATED, answer
        return name
