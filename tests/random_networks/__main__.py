"""``python -m tests.random_networks --count 100000 --seed 1``: long runs, with what came of them."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

import torch

from archdsl.ops.registry import operators
from tests.random_networks.generate import generate
from tests.random_networks.verify import verify


def main() -> int:
    """Verify ``count`` programs from ``seed`` on; every failing one is printed with its seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.random_networks")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", type=int, default=10, help="compare numbers in one program of so many")
    parser.add_argument("--show", action="store_true", help="print the programs that fail")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start, tally, ops, refusals = time.monotonic(), Counter[str](), Counter[str](), Counter[str]()
    kinds = Counter[str]()
    for seed in range(options.seed, options.seed + options.count):
        try:
            program = generate(seed)
        except Exception:
            tally["generator failed"] += 1
            print(f"seed {seed}: {traceback.format_exc()}")
            continue
        try:
            outcome = verify(program, values=seed % options.values == 0)
        except Exception as error:
            tally["crashed"] += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(
                f"seed {seed}: {type(error).__name__}: {error} ({where.filename.split('/')[-1]}:{where.lineno})"
            )
            kinds[f"{type(error).__name__} {where.filename.split('/')[-1]}:{where.lineno}"] += 1
            if options.show:
                print(program.text)
            continue
        tally["accepted" if outcome.accepted else "refused"] += 1
        tally["compared"] += outcome.compared
        tally["sizes"] += outcome.sizes
        if outcome.accepted:
            ops.update(program.ops)
        else:
            refusals.update(outcome.codes[:1])
        if outcome.excused:
            tally[f"excused {outcome.excused}"] += 1
        if outcome.problems:
            tally["problems"] += 1
            print(f"seed {seed}: {'; '.join(outcome.problems)}")
            if options.show:
                print(program.text)
    print(f"{options.count} programs in {time.monotonic() - start:.0f} s: {dict(tally)}")
    print(f"refusals: {dict(refusals.most_common())}")
    print(f"operators in accepted programs: {dict(ops.most_common())}")
    print(f"never accepted: {sorted(set(operators()) - set(ops))}")
    print(f"crashes: {dict(kinds)}")
    return 1 if tally["problems"] or tally["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
