"""One command for a machine with a GPU: runs the tests marked ``gpu`` and the benchmarks, writes one results file.

    python benchmarks/gpu.py [--name h200] [--quick]

writes benchmarks/results/gpu-<name>.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def run(command: list[str]) -> tuple[int, str]:
    """Exit status and what was printed, shown while it runs."""
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return child.returncode, "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", help="what to call the machine; the GPU's name where it isn't given")
    parser.add_argument("--quick", action="store_true", help="small depths only")
    given = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("no GPU that torch can use: nothing was measured", file=sys.stderr)
        return 4
    device = torch.cuda.get_device_name()
    name = given.name or re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    status, text = run(["-m", "pytest", "-m", "gpu", "-q", "tests"])
    found: dict[str, Any] = {
        "device": device, "torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version(),
        "tests": {"passed": status == 0, "summary": text.strip().splitlines()[-1] if text.strip() else ""},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        depths = ["2", "8"] if given.quick else ["2", "12", "48"]
        failed, _ = run(
            [
                "benchmarks/compile_time.py",
                "--device",
                "cuda",
                "--d",
                "512",
                "--depth",
                *depths,
                "--json",
                str(out),
            ]
        )
        found["compile_time"] = json.loads(out.read_text())["rows"] if out.exists() else {"failed": failed}
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"gpu-{name}.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")
    return 0 if status == 0 and "rows" not in found and isinstance(found["compile_time"], list) else 1


if __name__ == "__main__":
    raise SystemExit(main())
