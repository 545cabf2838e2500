"""A strict, deterministic subset of POSIX ustar: flat regular files only.

`tarfile` accepts links, devices, sparse files, absolute paths and a dozen header dialects, all of which a bundle has no
use for and a reader would have to refuse one by one; and the bytes it writes have changed between Python versions. Here
what is not written by `pack` is not read by `unpack`. `tar tf` reads what `pack` writes.

Format: IEEE Std 1003.1-2017, pax, "ustar Interchange Format".
"""

import re
from collections.abc import Mapping
from typing import Final

from tradefleet_api.refusal import RefusedError

BLOCK: Final = 512
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,98}")
"""A flat file name: no folder, no leading dot, at most 99 characters."""
_OCTAL: Final = re.compile(rb"[0-7]+[ \0]")
_END: Final = bytes(2 * BLOCK)


class TarError(RefusedError):
    """These bytes are not a tar file of flat regular files."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """A tar file of `files` by name; the same mapping gives the same bytes everywhere.

    Raises TarError for a name that is not flat.
    """
    out = bytearray()
    for name in sorted(files):
        if not NAME.fullmatch(name):
            raise TarError(f"file name {name!r}: use letters, digits, '.', '_' and '-' only")
        content = files[name]
        out += _header(name, len(content)) + content + bytes(-len(content) % BLOCK)
    return bytes(out) + _END


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a tar file, by name.

    Raises TarError, with one sentence, for anything that `pack` would not have written: links, folders, devices,
    paths, duplicate names, extended headers, a wrong checksum, truncation, or bytes after the end.
    """
    files: dict[str, bytes] = {}
    at = 0
    while True:
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            raise TarError(f"not a whole tar file: it ends inside a header at byte {len(data)}")
        if not any(header):
            break
        name, size = _read_header(header, at)
        if name in files:
            raise TarError(f"tar member {name!r} appears twice")
        start, at = at + BLOCK, at + BLOCK + size + -size % BLOCK
        if len(data) < at:
            raise TarError(f"not a whole tar file: member {name!r} is cut short")
        files[name] = data[start : start + size]
    if data[at:].strip(b"\0") or len(data) - at < len(_END):
        raise TarError(f"not a whole tar file: it does not end after its last member, at byte {at}")
    return files


def _header(name: str, size: int) -> bytes:
    """mode 0644, owner 0:0, time 0: nothing of the machine that wrote it."""
    before = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % 0
    after = b"0" + bytes(100) + b"ustar\0" + b"00" + bytes(32 + 32) + b"0000000\0" * 2 + bytes(155 + 12)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def _read_header(header: bytes, at: int) -> tuple[str, int]:
    if header[257:262] != b"ustar":
        raise TarError(f"not a tar file: no ustar header at byte {at}")
    if _number(header[148:156], at) != sum(header[:148]) + 8 * ord(" ") + sum(header[156:]):
        raise TarError(f"damaged tar file: wrong header checksum at byte {at}")
    name = header[:100].rstrip(b"\0").decode("ascii", "replace")
    if header[156:157] not in {b"0", b"\0"}:
        raise TarError(f"tar member {name!r} is not a regular file: links, folders and devices are refused")
    if any(header[345:500]) or not NAME.fullmatch(name):
        raise TarError(f"tar member {name!r}: paths are refused, a bundle holds flat files only")
    return name, _number(header[124:136], at)


def _number(field: bytes, at: int) -> int:
    match = _OCTAL.match(field.lstrip(b" "))
    if not match:
        raise TarError(f"damaged tar file: no octal number in the header at byte {at}")
    return int(match.group()[:-1], 8)
