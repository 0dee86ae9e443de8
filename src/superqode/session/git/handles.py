"""Open files by their numbers, as the save path has them: all bytes written, all of them closed."""

from __future__ import annotations

import os

__all__ = ["close_all", "write_all"]


def write_all(handle: int, data: bytes) -> None:
    """Write all bytes where a file stands, however few the disk takes at a time.

    Raises:
        OSError: the disk said no; some may be written.
    """
    done = os.write(handle, data)
    while done < len(data):
        done += os.write(handle, memoryview(data)[done:])


def close_all(handles: list[int]) -> None:
    """Close files, and empty the list: all of them also where one fails or Ctrl-C strikes.

    Raises:
        OSError: as the last one that failed.
    """
    try:
        while handles:
            os.close(handles.pop())
    except BaseException:
        close_all(handles)
        raise
