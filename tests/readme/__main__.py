"""`python tests/readme`: the README's generated parts and pictures, and the page on formats, made anew.

Needs Chromium for the pictures of the page, and for the page on formats the recorded sessions beside the checkout.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from readme.formats import PAGE, formats_page
from readme.parts import README, with_generated
from readme.pictures import make_pictures
from session.importers.truth import TRANSCRIPTS


def main() -> None:
    """Write README.md, its pictures, and the page on formats."""
    # As for the tests: nothing of the user's settings gets into a picture.
    for name in [name for name in os.environ if name.startswith(("GIT_", "SUPERQODE_"))]:
        del os.environ[name]
    if TRANSCRIPTS.is_dir():
        PAGE.write_text(formats_page(), "utf-8")
    else:
        print(f"{PAGE.name} stays as it is: there are no recordings in {TRANSCRIPTS}", file=sys.stderr)
    README.write_text(with_generated(README.read_text("utf-8")), "utf-8")
    with tempfile.TemporaryDirectory(prefix="superqode-") as home:
        make_pictures(Path(home))


if __name__ == "__main__":
    main()
