"""Which run of the operating system this is: what was written in it is there, whatever process died since.

A crash of a process loses nothing that it wrote; only a crash of the system does. A record that names another run may
be about files that never reached the disk.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Final

__all__ = ["boot_id"]

_LINUX: Final = "/proc/sys/kernel/random/boot_id"
_MACOS: Final = b"kern.bootsessionuuid"
_LENGTH: Final = 64


@cache
def boot_id() -> str:
    """Give a name that no other run of a system has (random(4), sysctl(3)); empty where the system tells none."""
    if sys.platform == "darwin":
        return _from_sysctl()
    try:
        with open(_LINUX, encoding="ascii") as file:  # noqa: PTH123 - on the save path
            return file.read(_LENGTH).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _from_sysctl() -> str:
    import ctypes

    value = ctypes.create_string_buffer(_LENGTH)
    size = ctypes.c_size_t(_LENGTH)
    try:
        failed = ctypes.CDLL(None).sysctlbyname(_MACOS, value, ctypes.byref(size), None, 0)
    except (OSError, AttributeError):
        return ""
    return "" if failed else value.value.decode("ascii", "replace")
