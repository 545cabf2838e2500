"""Fetching: the file is there whole and verified, or not at all; a real web server with TLS answers."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradefleet_api import fetch as api
from tradefleet_api.artifact import ClaimArtifact, ConfigMapArtifact, HttpsArtifact, UriError, parse
from tradefleet_api.bundle import BundleError, sha256
from tradefleet_api.fetch import UnreachableError, fetch

CONTENT = bytes(range(256)) * 4096
DIGEST = sha256(CONTENT)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/bundle.tar":
                self.answer(200, CONTENT)
            case "/moved":
                self.answer(302, b"", Location="/bundle.tar")
            case "/plain":
                self.answer(302, b"", Location="http://127.0.0.1:1/bundle.tar")
            case "/short":
                self.answer(200, CONTENT[:1000], **{"Content-Length": str(len(CONTENT))})
            case _:
                self.answer(404, b"")

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses the certificate is what one test is about."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(base URL, the certificate that signs it)."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Server(("127.0.0.1", 0), Handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"https://localhost:{httpd.server_port}", cert
        httpd.shutdown()
        thread.join()


@pytest.fixture
def https(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(server[1]))
    return server[0]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle" / "bundle.tar"


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """A ConfigMap as the kubelet mounts it: each key a link into a hidden folder."""
    folder = tmp_path / "artifact"
    (folder / "..2024").mkdir(parents=True)
    (folder / "..2024" / "demo.tar").write_bytes(CONTENT)
    (folder / "..data").symlink_to("..2024")
    (folder / "demo.tar").symlink_to("..data/demo.tar")
    (folder / "deep").mkdir()
    (folder / "deep" / "demo.tar").write_bytes(CONTENT)
    (folder / "out.tar").symlink_to("/etc/hostname")
    return folder


def nothing_left(out: Path) -> bool:
    return not out.parent.exists() or not list(out.parent.iterdir())


@pytest.mark.parametrize("path", ["/bundle.tar", "/moved"])
def test_https(https: str, out: Path, path: str) -> None:
    fetch(https + path, DIGEST, out)
    assert out.read_bytes() == CONTENT
    assert out.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in out.parent.iterdir()] == ["bundle.tar"]


@pytest.mark.parametrize(
    ("path", "fragment"),
    [("/gone", "answered 404"), ("/plain", "redirected away from https"), ("/short", "bundle digest mismatch")],
)
def test_https_that_fails_leaves_nothing(https: str, out: Path, path: str, fragment: str) -> None:
    with pytest.raises(BundleError, match=fragment):
        fetch(https + path, DIGEST, out)
    assert nothing_left(out)


def test_an_unknown_certificate_is_refused(server: tuple[str, Path], out: Path) -> None:
    with pytest.raises(UnreachableError, match=r"CERTIFICATE_VERIFY_FAILED|certificate"):
        fetch(server[0] + "/bundle.tar", DIGEST, out)
    assert nothing_left(out)


def test_a_server_that_is_not_there_may_be_there_later(out: Path) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        fetch("https://127.0.0.1:1/bundle.tar", DIGEST, out)


@pytest.mark.parametrize("uri", ["configmap://models/demo.tar", "pvc://claim/demo.tar", "pvc://claim/deep/demo.tar"])
def test_mounted(uri: str, mounts: Path, out: Path) -> None:
    fetch(uri, DIGEST, out, mounts)
    assert out.read_bytes() == CONTENT


def test_a_wrong_digest_keeps_what_was_there(mounts: Path, out: Path) -> None:
    out.parent.mkdir()
    out.write_bytes(b"before")
    wrong = "0" * 64
    with pytest.raises(BundleError, match=f"expected {wrong}, measured {DIGEST}") as caught:
        fetch("configmap://models/demo.tar", wrong, out, mounts)
    assert not isinstance(caught.value, UnreachableError)
    assert out.read_bytes() == b"before"


def test_what_is_already_right_is_not_fetched_again(out: Path, tmp_path: Path) -> None:
    out.parent.mkdir()
    out.write_bytes(CONTENT)
    fetch("configmap://models/demo.tar", DIGEST, out, tmp_path / "nothing mounted")


def test_a_missing_key(mounts: Path, out: Path) -> None:
    with pytest.raises(UnreachableError, match=r"there is no file 'other\.tar' in it"):
        fetch("configmap://models/other.tar", DIGEST, out, mounts)


def test_a_link_out_of_the_volume(mounts: Path, out: Path) -> None:
    with pytest.raises(BundleError, match="leads out of its volume"):
        fetch("pvc://claim/out.tar", DIGEST, out, mounts)


def test_too_large(mounts: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_BYTES", 1000)
    with pytest.raises(BundleError, match="larger than the limit"):
        fetch("configmap://models/demo.tar", DIGEST, out, mounts)
    assert nothing_left(out)


def test_uris() -> None:
    assert parse("https://host/x?y=1") == HttpsArtifact("https://host/x?y=1")
    assert parse("configmap://models/demo-v1.tar") == ConfigMapArtifact("models", "demo-v1.tar")
    assert parse("pvc://claim/a/b.tar") == ClaimArtifact("claim", "a/b.tar")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://host/x",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "https://host/a b",
        "https://host/a\nb",
        "configmap://Upper/key",
        "configmap://name",
        "configmap://name/",
        "configmap://name/..",
        "configmap://name/a/b",
        "pvc://claim/../other",
        "pvc://claim//x",
        "pvc://claim/",
        "s3://bucket/key",
    ],
)
def test_other_uris_are_refused_with_the_accepted_forms(uri: str) -> None:
    with pytest.raises(UriError, match=r"write https://|are refused in its path"):
        parse(uri)
