"""The journal's bytes, version 1; pure: files are the shell's.

One journal is one run of the engine, from its first event:

    "TFJ1\\n"                                 magic and version
    {"bundle": "<sha256>", "config": {…}}\\n  one line of JSON, keys sorted
    record*                                   length (u32), CRC-32 (u32), both little-endian, then `length` bytes:
                                              MessagePack [kind, payload]; kind 0 an event, 1 a command it caused

Payloads are MessagePack arrays whose first item is the type's name and whose fields follow in the order of the type's
definition (`core/events.py`, `core/commands.py`); fields are only ever appended, so that readers accept older files.
Decimals are their text. An `Approved` intent is written as the intent. The bytes of a command are the same on every
machine and in every process: they are what a replay compares.

A record that is cut short or whose checksum is wrong ends the journal: it and what follows is the torn tail.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from tradefleet_bot.core.commands import Command
from tradefleet_bot.core.events import Event
from tradefleet_bot.core.risk.verdict import Approved
from tradefleet_bot.core.state import EngineConfig

MAGIC: Final = b"TFJ1\n"
EVENT: Final = 0
COMMAND: Final = 1
MAX_RECORD: Final = 16 * 1024 * 1024
_FRAME: Final = struct.Struct("<II")
_PREFIX: Final = (b"\x92\x00", b"\x92\x01")


class JournalError(ValueError):
    """The file is not a journal that this version reads; one sentence."""


class Header(msgspec.Struct, frozen=True):
    """What the engine was started with."""

    config: EngineConfig
    bundle: str
    """SHA-256 of the bundle."""


class Entry(msgspec.Struct, frozen=True):
    """One record."""

    kind: Literal[0, 1]
    payload: bytes


def _plain(value: object) -> object:
    if isinstance(value, Approved):
        return value.value
    raise NotImplementedError(f"a journal cannot hold a {type(value).__name__}")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_EVENTS: Final = msgspec.msgpack.Decoder(Event)


def encode(value: Event | Command) -> bytes:
    """The payload of an event or a command."""
    return _ENCODER.encode(value)


def decode_event(payload: bytes) -> Event:
    """An event from its payload. Raises JournalError."""
    try:
        event: Event = _EVENTS.decode(payload)
    except msgspec.DecodeError as error:
        raise JournalError(f"an event of the journal cannot be read: {error}") from error
    return event


def readable(payload: bytes) -> str:
    """A payload as one line of JSON, for people."""
    return json.dumps(msgspec.msgpack.decode(payload))


def record(kind: Literal[0, 1], payload: bytes) -> bytes:
    """One record."""
    body = _PREFIX[kind] + payload
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def start(header: Header) -> bytes:
    """The first bytes of a journal."""
    config = header.config
    line = {
        "bundle": header.bundle,
        "config": {name: getattr(config, name) for name in config.__struct_fields__},
    }
    return MAGIC + json.dumps(line, sort_keys=True).encode() + b"\n"


class Journal:
    """A journal's bytes: `header` at once, records by iterating; after that `good` and `torn` say where it ended."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC[:3]):
            raise JournalError("not a journal: it does not begin with TFJ")
        if not data.startswith(MAGIC):
            raise JournalError(f"journal version {data[3:4]!r} is not known: this reader knows 1")
        end = data.find(b"\n", len(MAGIC))
        if end < 0:
            raise JournalError("the journal's header is cut short")
        self._data = data
        self._start = end + 1
        self.header = _header(data[len(MAGIC) : end])
        self.good = self._start
        """Length of the part that is whole: the file may be truncated here."""

    @property
    def torn(self) -> int:
        """Bytes after the last whole record."""
        return len(self._data) - self.good

    def __iter__(self) -> Iterator[Entry]:
        view = memoryview(self._data)
        at = self._start
        self.good = at
        while at + _FRAME.size <= len(view):
            length, checksum = _FRAME.unpack_from(view, at)
            body = view[at + _FRAME.size : at + _FRAME.size + length]
            if length > MAX_RECORD or len(body) != length or zlib.crc32(body) != checksum:
                return
            prefix = bytes(body[:2])
            if prefix not in _PREFIX:
                return
            at += _FRAME.size + length
            self.good = at
            yield Entry(EVENT if prefix == _PREFIX[EVENT] else COMMAND, bytes(body[2:]))


def _header(line: bytes) -> Header:
    try:
        raw = msgspec.json.decode(line, type=dict[str, object])
        config = raw["config"]
        fields = config if isinstance(config, dict) else {}
        return Header(
            EngineConfig(
                account=str(fields["account"]),
                symbols=tuple(str(symbol) for symbol in fields["symbols"]),
                decision_interval=int(fields["decision_interval"]),
                strict=bool(fields.get("strict", False)),
            ),
            str(raw["bundle"]),
        )
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"the journal's header cannot be read: {error}") from error
