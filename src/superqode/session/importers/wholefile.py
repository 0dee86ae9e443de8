"""A source that is one JSON value: plain, gzipped, in base64, in a link; bounded whatever it claims to be."""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterator
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Source
from superqode.session.importers.lines import parse_json

__all__ = ["GZIP_MAGIC", "head_text", "leading_members", "read_json"]

# The most a source may hold once it is unpacked, in bytes.
MAX_BYTES: Final = 1024 * 1024 * 1024
# Real sessions pack by 5 to 50; a bomb by 1,000. Small ones may pack as they like.
MAX_RATIO: Final = 250
_RATIO_FROM: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_STEP: Final = 64 * 1024
_HEAD: Final = 64 * 1024

GZIP_MAGIC: Final = b"\x1f\x8b"
_BASE64_OF_GZIP: Final = b"H4sI"
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_LINK: Final = re.compile(rb"\s*https?://[^\s?]*\?(?:[^\s#]*&)?data=([^\s&#]+)\s*")
_NEXT: Final = re.compile(r"\s*[,{]\s*(?=\")")
_COLON: Final = re.compile(r"\s*:\s*")


def read_json(source: Source) -> Any:
    """Read the JSON value that a source is.

    Raises:
        TranscriptError: it is damaged, too big, or something else.
    """
    try:
        with source.open() as stream:
            data = b"".join(_bounded(iter(lambda: stream.read(_CHUNK), b""), source.name))
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem
    if not data.strip():
        raise TranscriptError(source.name, "it is empty")
    data = _unwrapped(data, source.name)
    if data.startswith(GZIP_MAGIC):
        data = _inflated(data, source.name)
    try:
        return parse_json(data.decode())
    except UnicodeDecodeError as problem:
        raise TranscriptError(source.name, f"it is no UTF-8 text (byte {problem.start})") from problem
    except ValueError as problem:
        raise TranscriptError(source.name, f"it is no whole JSON value ({problem})") from problem


def _bounded(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise TranscriptError(name, f"it has more than {MAX_BYTES // 2**20} MiB")
        yield chunk


def _unwrapped(data: bytes, name: str) -> bytes:
    """Take off base64, and the link around it."""
    if link := _LINK.fullmatch(data):
        data = urllib.parse.unquote_to_bytes(link[1])
    if data.lstrip()[: len(_BASE64_OF_GZIP)] != _BASE64_OF_GZIP:
        return data
    packed = b"".join(data.split())
    if not _BASE64.fullmatch(packed):
        return data
    packed = packed.rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), altchars=b"-_")
    except binascii.Error as problem:
        raise TranscriptError(name, f"its base64 text is cut ({problem})") from problem


def _inflated(data: bytes, name: str) -> bytes:
    try:
        return b"".join(_bounded(_members(data, name), name))
    except zlib.error as problem:
        raise TranscriptError(name, f"its gzip data is damaged ({problem})") from problem


def _members(data: bytes, name: str) -> Iterator[bytes]:
    """Unpack one gzip member after the other, a step at a time."""
    packed = memoryview(data)
    taken, given = 0, 0
    while taken < len(packed):
        engine = zlib.decompressobj(wbits=31)
        while not engine.eof:
            if taken == len(packed):
                raise TranscriptError(name, "its gzip data ends before its end, so part of it is missing")
            step = packed[taken : taken + _STEP]
            taken += len(step)
            for chunk in _pieces(engine, bytes(step)):
                given += len(chunk)
                if given > _RATIO_FROM and given > MAX_RATIO * taken:
                    raise TranscriptError(name, f"it unpacks to more than {MAX_RATIO} times its size")
                yield chunk
        taken -= len(engine.unused_data)
        # What is no further member is padding, as for gzip itself.
        if data[taken : taken + len(GZIP_MAGIC)] != GZIP_MAGIC:
            return


def _pieces(engine: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    chunk = engine.decompress(packed, _CHUNK)
    while chunk:
        yield chunk
        # Asked again even when all input is taken: a full piece may not have been everything.
        chunk = b"" if engine.eof else engine.decompress(engine.unconsumed_tail, _CHUNK)


def head_text(head: bytes) -> str:
    """Give the beginning of a source as text, unpacked as far as it goes; never fails."""
    if link := re.match(rb"\s*https?://[^\s?]*\?(?:[^\s#]*&)?data=([^\s&#]+)", head):
        head = urllib.parse.unquote_to_bytes(link[1])
    if head.lstrip()[:4] == _BASE64_OF_GZIP:
        packed = re.sub(rb"[^A-Za-z0-9+/_\-]", b"", head)
        head = base64.b64decode(packed[: len(packed) // 4 * 4], altchars=b"-_")
    if head.startswith(GZIP_MAGIC):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        except zlib.error:
            return ""
    return head.decode(errors="replace").lstrip("\ufeff \t\r\n")


def leading_members(text: str) -> dict[str, Any]:
    """Give the members of a JSON object as far as the text holds them whole; the one that is cut is None.

    Empty where the text begins no object; never fails.
    """
    members: dict[str, Any] = {}
    decode = json.JSONDecoder().raw_decode
    place = 0
    try:
        while text.startswith("{") and (found := _NEXT.match(text, place)):
            key, place = decode(text, found.end())
            members[key] = None
            if not (colon := _COLON.match(text, place)):
                break
            members[key], place = decode(text, colon.end())
    except (ValueError, RecursionError):
        pass
    return members
