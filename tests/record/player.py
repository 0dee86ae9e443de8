"""Plays one side of recorded traffic: writes that side's lines, waits for the other's, and compares them byte for byte.

    player.py FILE agent->client|client->agent

A program of its own, that knows nothing of superqode. It ends with 0 where everything came as it was recorded, with 3
where something else came, and with 4 where something came behind the last line.
"""

import json
import sys


def lines(path):
    """Give the recording: direction and bytes of each line."""
    with open(path, encoding="utf-8") as stream:
        for text in stream:
            record = json.loads(text)
            yield record["dir"], json.dumps(record["msg"], ensure_ascii=False).encode() + b"\n"


def play(path, side, heard, said):
    """Play one side; gives the exit code."""
    for direction, line in lines(path):
        if direction == side:
            said.write(line)
            said.flush()
        elif heard.read(len(line)) != line:
            return 3
    return 0


if __name__ == "__main__":
    code = play(sys.argv[1], sys.argv[2], sys.stdin.buffer, sys.stdout.buffer)
    sys.exit(code or (4 if sys.stdin.buffer.read() else 0))
