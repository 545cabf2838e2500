"""The fast tier: a real etcd and kube-apiserver without nodes, one instance a run, ready in about 3 s.

For everything that needs the API but no pods: admission, defaults, watches, status, RBAC, the operator's own handlers.
There are no controllers unless a test asks for `apiserver_with_controllers`, so nothing collects garbage, nothing makes
pods, and a deleted namespace stays Terminating: use a fresh one.
"""

import base64
import contextlib
import http.client
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.kube import GROUND, Kube, ground

BUILD_TIMEOUT = 1500.0  # s; only where nothing is cached yet
READY_TIMEOUT = 60.0  # s


class ApiServer(Kube):
    """A bare API server: `url`, `token` (system:masters), `kubeconfig`."""


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the log's folder; it ends with the block, and with this process however that ends."""
    with log.open("wb") as out:
        # In a session of its own, so that a Ctrl-C at the terminal lets the fixtures end it.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()  # nothing to save: the data end with the run
            process.wait()


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port of the loopback that nobody takes meanwhile, but a server that shares it (SO_REUSEPORT) may listen on."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, its own authority, and its key."""
    cert, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=tradefleet-tests",
            "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout",
            str(key),
            "-out",
            str(cert),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def write_kubeconfig(path: Path, url: str, certificate: Path, token: str) -> None:
    """The administrator's kubeconfig."""
    ca = base64.b64encode(certificate.read_bytes()).decode()
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "tests", "cluster": {"server": url, "certificate-authority-data": ca}}],
                "users": [{"name": "admin", "user": {"token": token}}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
                "current-context": "tests",
            }
        )
    )
    path.chmod(0o600)


def await_ready(server: Kube, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for /readyz; a server that ends or takes too long is an error with its last words."""
    deadline = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.request("GET", "/readyz")[0] == http.client.OK:
                return
        time.sleep(0.05)  # the server tells nobody that it is ready
    raise RuntimeError("kube-apiserver does not get ready:\n" + "\n".join(log.read_text().splitlines()[-20:]))


def etcd_command(tools: Path) -> list[str]:
    """etcd on sockets in its folder: no port to lose a race for, and nobody else's way in."""
    client, peer = "unix://etcd:1", "unix://etcd:2"
    return [
        str(tools / "etcd"),
        "--data-dir=etcd",
        "--unsafe-no-fsync",
        "--log-level=error",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def apiserver_command(tools: Path, port: int, certificate: Path, key: Path, tokens: Path) -> list[str]:
    """kube-apiserver with the admission plugins that are on by default, RBAC, and one administrator by token."""
    return [
        str(tools / "kube-apiserver"),
        "--etcd-servers=unix://etcd:1",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        "--authorization-mode=Node,RBAC",
        f"--token-auth-file={tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificate}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=198.19.0.0/16",
        "--endpoint-reconciler-type=none",
        "--allow-privileged",
        "--disable-admission-plugins=ServiceAccount",  # without controllers no namespace gets its `default` account
    ]


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Start etcd and kube-apiserver on a free port, with all their files in `folder`; stop them at the end."""
    tools = Path(ground(str(GROUND / "binaries"), "etcd", "kube-apiserver", "kubectl", timeout=BUILD_TIMEOUT).strip())
    certificate, key = make_certificate(folder)
    token, tokens, log = secrets.token_hex(16), folder / "tokens.csv", folder / "kube-apiserver.log"
    tokens.write_text(f'{token},admin,admin,"system:masters"\n')
    with reserved_port() as port:
        write_kubeconfig(folder / "kubeconfig", f"https://127.0.0.1:{port}", certificate, token)
        server = ApiServer.of(folder / "kubeconfig", tools)
        with (
            running(etcd_command(tools), folder / "etcd.log"),
            running(apiserver_command(tools, port, certificate, key, tokens), log) as process,
        ):
            await_ready(server, process, log)
            yield server


@contextlib.contextmanager
def controllers(server: ApiServer, folder: Path) -> Iterator[None]:
    """Run the controllers that delete: garbage collection by owner references, and the content of namespaces."""
    tools = ground(str(GROUND / "binaries"), "kube-controller-manager", timeout=BUILD_TIMEOUT).strip()
    command = [
        f"{tools}/kube-controller-manager",
        f"--kubeconfig={server.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--controllers=garbage-collector-controller,namespace-controller",
    ]
    with running(command, folder / "kube-controller-manager.log"):
        yield


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server without nodes, shared by the run. Tests keep apart by namespaces (`apiserver.namespace()`)."""
    with api_server(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture(scope="session")
def apiserver_with_controllers(apiserver: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The same server with garbage collection and namespace deletion running beside it."""
    with controllers(apiserver, tmp_path_factory.mktemp("controllers")):
        yield apiserver


@pytest.fixture(scope="session")
def apiserver_crds(apiserver: ApiServer) -> ApiServer:
    """The same server with the project's CRDs installed."""
    apiserver.apply_crds()
    return apiserver
