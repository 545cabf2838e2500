"""Decoding speed: raw frame bytes to events, on one core. Run: `python benchmarks/decode.py [RECORDING]`."""

import json
import os
import sys
import time
from pathlib import Path

from tradefleet_bot.venues.binance.codec import decode
from tradefleet_bot.venues.binance.feed import Feed
from tradefleet_bot.venues.binance.recording import raw_lines, split

DATA = Path(os.environ.get("TRADEFLEET_DATA", Path(__file__).parents[2] / "shared" / "data"))
DEFAULT = DATA / "binance_usdm_btcusdt_20240808.raw.gz"


def main() -> int:
    """Print one JSON object a line; 1 where there is no recording to read."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.exists():
        print(f"no recording at {path}: set TRADEFLEET_DATA or name one", file=sys.stderr)
        return 1
    frames = [parts for parts in map(split, raw_lines(path)) if parts is not None]

    def best(name: str, run: object) -> None:
        assert callable(run)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            events = run()
            times.append(time.perf_counter() - start)
        value = round(len(frames) / min(times))
        print(json.dumps({"name": name, "value": value, "unit": "frames/s", "frames": len(frames), "events": events,
                          "input": path.name, "repeats": 5}))  # fmt: skip

    def through_feed() -> int:
        feed = Feed(["BTCUSDT"])
        return sum(len(feed.frame(frame, at)) for at, frame in frames)

    best("decode_messages_per_s", lambda: sum(len(decode(frame, at)) for at, frame in frames))
    best("decode_feed_per_s", through_feed)
    best("decode_json_loads_per_s", lambda: sum(1 for _, frame in frames if json.loads(frame)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
