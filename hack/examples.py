#!/usr/bin/env python3
"""Bring the digests in examples/ to those of models/zoo/index.json; a line names the bundle that it means.

`hack/examples.py` rewrites, `hack/examples.py --check` only says which are not current (exit code 1).
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINE = re.compile(r'(sha256: ")[0-9a-f]{64}(" # of models/zoo/([a-z0-9.-]+)\.tar)')


def current(text: str, digests: dict[str, str]) -> str:
    """The text with the digest of each named bundle."""
    return LINE.sub(lambda found: f"{found[1]}{digests[found[3]]}{found[2]}", text)


def main(check: bool) -> int:
    """Rewrite or check every example; 1 where a check finds a stale one."""
    digests = json.loads((ROOT / "models" / "zoo" / "index.json").read_text())
    stale = 0
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        text = path.read_text()
        wanted = current(text, digests)
        if wanted != text:
            print(f"{path.relative_to(ROOT)}: {'not current; run hack/examples.py' if check else 'digests rewritten'}")
            stale = 1
            if not check:
                path.write_text(wanted)
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
