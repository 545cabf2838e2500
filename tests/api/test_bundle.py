"""Bundles: deterministic to write, and nothing but a BundleError for anything that is not one."""

import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefleet_api import bundle as api
from tradefleet_api.bundle import BundleError, Manifest, read_bundle, sha256, write_bundle
from tradefleet_api.ustar import pack, unpack

FILES = {"xgboost.onnx": b"trees", "lstm.onnx": b"cells" * 300, "policy.onnx": b"", "golden.json": b"{}"}
MANIFEST: dict[str, Any] = {
    "format": "tradefleet-bundle/1",
    "name": "demo-v1",
    "decisionInterval": "1s",
    "features": ["return_5s", "spread"],
    "featureSchema": "a" * 64,
    "members": [
        {"name": "xgboost", "kind": "stateless", "file": "xgboost.onnx", "weight": 0.5},
        {"name": "lstm", "kind": "recurrent", "file": "lstm.onnx", "weight": 0.5, "hidden": 16},
    ],
    "quorum": 2,
    "policy": {
        "file": "policy.onnx",
        "observation": ["score", "xgboost", "lstm", "position", "unrealized", "holding", "volatility", "spread"],
        "actions": ["HOLD", "OPEN_LONG", "OPEN_SHORT", "ADD", "REDUCE", "CLOSE"],
    },
    "golden": "golden.json",
    "files": {name: sha256(content) for name, content in FILES.items()},
    "lineage": {"seed": 7, "dataDigest": "d", "trainedThrough": "2024-08-08T00:00:00Z", "codeRevision": "r"},
    "metrics": {"accuracy": 0.5},
}


def manifest(**changes: Any) -> Manifest:
    return Manifest.model_validate({**MANIFEST, **changes})


def tar(changes: dict[str, Any] | None = None, files: dict[str, bytes] | None = None) -> bytes:
    """A tar by hand: what write_bundle would refuse to write."""
    content = {**MANIFEST, **(changes or {})}
    return pack({**(FILES if files is None else files), "manifest.json": json.dumps(content).encode()})


def test_what_is_written_is_read() -> None:
    data = write_bundle(FILES, manifest(files={}))
    bundle = read_bundle(data, sha256(data))
    assert bundle.manifest == manifest()
    assert bundle.files == FILES
    assert bundle.digest == sha256(data)


def test_the_same_input_gives_the_same_bytes_in_any_order() -> None:
    first = write_bundle(FILES, manifest(metrics={"a": 1.0, "b": 2.0}))
    again = write_bundle(dict(reversed(FILES.items())), manifest(metrics={"b": 2.0, "a": 1.0}))
    assert first == again


def test_the_digest_is_pinned() -> None:
    """The bytes are a format: a digest in a manifest somewhere must stay true over releases and Python versions."""
    data = write_bundle(FILES, manifest())
    assert sha256(data) == "272a3bc60dda21626fbe9176efedec385881aab454fcc7c58c64408c9665faca"


def test_public_tar_readers_read_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(write_bundle(FILES, manifest()))) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == sorted([*FILES, "manifest.json"])
        assert {(m.mode, m.uid, m.gid, m.mtime, m.uname) for m in members} == {(0o644, 0, 0, 0, "")}
        lstm = archive.extractfile("lstm.onnx")
        assert lstm is not None
        assert lstm.read() == FILES["lstm.onnx"]


def test_a_tar_of_the_standard_library_is_read_too() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in {**FILES, "manifest.json": json.dumps(MANIFEST).encode()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert read_bundle(out.getvalue(), None).files == FILES


FAULTS: list[tuple[str, bytes, str]] = [
    ("empty", b"", "ends inside a header at byte 0"),
    ("not a tar", b"PK\x03\x04" * 400, "no ustar header at byte 0"),
    ("only an end", bytes(1024), "holds no manifest.json"),
    ("no manifest", pack(FILES), "holds no manifest.json"),
    ("manifest not JSON", pack({"manifest.json": b"{"}), "manifest.json: Invalid JSON"),
    ("bytes after the end", tar() + b"x", "does not end after its last member"),
    ("another version", tar({"format": "tradefleet-bundle/2"}), "format: Input should be 'tradefleet-bundle/1'"),
    ("unknown field", tar({"pickle": "x"}), "pickle: Extra inputs are not permitted"),
    ("no members", tar({"members": []}), "members: Tuple should have at least 1 item"),
    ("infinite weight", tar({"metrics": {"x": float("inf")}}), "metrics.x: Input should be a finite number"),
    ("bad interval", tar({"decisionInterval": "soon"}), "decisionInterval: String should match pattern"),
    ("quorum out of reach", tar({"quorum": 3}), "quorum 3 is more than the 2 members"),
    ("feature twice", tar({"features": ["a", "a"]}), "feature 'a' appears twice"),
    ("five actions", tar({"policy": {**MANIFEST["policy"], "actions": ["HOLD"]}}), "actions must be HOLD, OPEN_LONG"),
    (
        "unknown observation",
        tar({"policy": {**MANIFEST["policy"], "observation": ["mood"]}}),
        "policy.observation 'mood' is unknown; known are score, position",
    ),
    (
        "member named as an observation",
        tar({"members": [{**MANIFEST["members"][0], "name": "spread"}], "quorum": 1}),
        "member 'spread': this name belongs to an observation",
    ),
    ("file missing", tar(files={}), "lacks the file 'golden.json'"),
    ("role names no file", tar({"golden": "gold.json"}), "lacks the file 'gold.json'"),
    ("file not in the manifest", tar(files={**FILES, "extra.py": b"import os"}), "holds 'extra.py', for which"),
    ("file tampered", tar(files={**FILES, "policy.onnx": b"evil"}), "digest mismatch of 'policy.onnx': expected e3b0"),
]


@pytest.mark.parametrize(("data", "fragment"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_each_fault_is_one_sentence(data: bytes, fragment: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(data, None)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_flipped_bit_is_a_digest_mismatch() -> None:
    data = write_bundle(FILES, manifest())
    for at in range(0, len(data), 97):
        tampered = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BundleError, match="bundle digest mismatch"):
            read_bundle(tampered, sha256(data))


def test_every_truncation_is_refused() -> None:
    data = write_bundle(FILES, manifest())
    for end in range(0, len(data), 64):
        with pytest.raises(BundleError):
            read_bundle(data[:end], None)


def test_too_large_is_refused_before_anything_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_BYTES", 4096)
    with pytest.raises(BundleError, match="the limit is 4096"):
        read_bundle(bytes(4097), None)
    with pytest.raises(BundleError, match="the limit is 4096"):
        write_bundle({**FILES, "more.bin": bytes(4096)}, manifest())


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/b", ".hidden", "", "a b", "manifest.json\n", "x" * 100])
def test_paths_are_refused_by_writer(name: str) -> None:
    with pytest.raises(BundleError, match=r"file name|bundle holds"):
        write_bundle({**FILES, name: b""}, manifest())


def by_tarfile(info: tarfile.TarInfo, content: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("info", "fragment"),
    [
        (member("../up"), "'../up': paths are refused"),
        (member("/etc/passwd"), "'/etc/passwd': paths are refused"),
        (member("folder", tarfile.DIRTYPE), "not a regular file"),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"), "not a regular file"),
        (member("hard", tarfile.LNKTYPE, "manifest.json"), "not a regular file"),
        (member("pipe", tarfile.FIFOTYPE), "not a regular file"),
        (member("disk", tarfile.BLKTYPE), "not a regular file"),
        (member("x" * 200), "not a regular file"),  # GNU's long-name header
    ],
)
def test_what_is_no_flat_file_is_refused(info: tarfile.TarInfo, fragment: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(by_tarfile(info), None)
    assert fragment in str(caught.value)


def test_duplicate_members_are_refused() -> None:
    whole = pack({"manifest.json": b"{}"})
    with pytest.raises(BundleError, match=r"'manifest\.json' appears twice"):
        read_bundle(whole[:1024] + whole, None)


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}", fullmatch=True), st.binary(max_size=1200)))
def test_pack_and_unpack_are_inverse(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files


@given(st.binary(max_size=3000))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(data, None)


@given(st.binary(max_size=200))
def test_arbitrary_manifests_raise_nothing_else(text: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(pack({**FILES, "manifest.json": text}), None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(MANIFEST)), JSON)
def test_any_field_may_hold_any_json(field: str, value: object) -> None:
    try:
        bundle = read_bundle(tar({field: value}), None)
    except BundleError:
        return
    assert set(bundle.manifest.files) == set(FILES)


@given(st.data())
def test_damage_anywhere_raises_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(tar())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        bundle = read_bundle(bytes(whole), None)
    except BundleError:
        return
    assert {name: sha256(content) for name, content in bundle.files.items()} == bundle.manifest.files
