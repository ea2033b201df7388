"""Read damaged inputs with every reader; report those that are neither accepted nor refused with our errors.

python -m tests.fuzz --count 100000 [--seed 0] [--keep fuzz-faults] [READER ...]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import campaign
from tests.fuzz.readers import READERS


def main() -> int:
    """Print a line for each reader and each fault; return 1 if there was a fault, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"from {', '.join(READERS)} (default: all)")
    parser.add_argument("--count", type=int, default=1000, help="inputs for each reader")
    parser.add_argument("--seed", type=int, default=0, help="seed of the inputs")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="folder for failing inputs")
    options = parser.parse_args()
    if unknown := set(options.readers) - set(READERS):
        parser.error(f"there is no reader {', '.join(sorted(unknown))}")
    has_failed = False
    print(f"{'reader':15}{'accepted':>10}{'refused':>10}{'faults':>8}{'slowest':>10}{'input':>9}{'minutes':>9}")
    for name in options.readers or READERS:
        began = time.monotonic()
        counts = campaign.run(name, options.count, options.seed, options.first)
        print(
            f"{name:15}{counts.accepted:>10,}{counts.refused:>10,}{len(counts.faults):>8,}{counts.slowest:>8.3f} s"
            f"{counts.slowest_number:>9}{(time.monotonic() - began) / 60:>9.1f}",
            flush=True,
        )
        for fault in counts.faults:
            options.keep.mkdir(parents=True, exist_ok=True)
            path = options.keep / f"{name}-{fault.seed}-{fault.number}"
            path.write_bytes(campaign.input_of(fault))
            print(f"    {path}: {fault.what}", flush=True)
        has_failed |= bool(counts.faults)
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
