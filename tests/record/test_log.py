"""The raw traffic as a file."""

from __future__ import annotations

import json

import pytest

from superqode.record.log import TrafficLog


def test_a_message_stands_in_it_digit_for_digit(tmp_path):
    """What JSON readers would change is not touched; the times are those that were seen."""
    log = TrafficLog(tmp_path / "log")
    line = b' {"a": 1.0000000000000000001, "b": "\\u00e9", "a": 2} '
    log.write(line, from_agent=True, time=1.5, is_message=True)
    log.write(line, from_agent=False, time=2.25, is_message=True)
    log.close()
    first, second = (tmp_path / "log").read_bytes().splitlines()
    assert first == b'{"t": 1.5, "dir": "agent->client", "msg": ' + line.strip() + b"}"
    assert second.startswith(b'{"t": 2.25, "dir": "client->agent", ')


@pytest.mark.parametrize("line", [b"hello", b'"', b"\xff\xfe\n\0", "\u2028".encode(), b"{"])
def test_other_bytes_can_be_had_back(tmp_path, line):
    """Each stands on a line of its own, as text."""
    log = TrafficLog(tmp_path / "log")
    log.write(line, from_agent=True, time=1.0, is_message=False)
    log.close()
    (text,) = (tmp_path / "log").read_text("utf-8").split("\n")[:-1]
    assert json.loads(text)["raw"].encode("utf-8", "surrogateescape") == line


def test_it_is_appended_to_and_open_to_its_owner_alone(tmp_path):
    """A second run adds to the first."""
    for number in range(2):
        log = TrafficLog(tmp_path / "log")
        log.write(b"{}", from_agent=True, time=float(number), is_message=True)
        log.close()
    assert len((tmp_path / "log").read_bytes().splitlines()) == 2
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
