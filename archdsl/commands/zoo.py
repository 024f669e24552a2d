"""``archdsl zoo``: the specs that ship with the package, with their figures at the default sizes."""

from __future__ import annotations

import argparse
import json
from typing import Any

from archdsl import driver
from archdsl.analysis.exports import as_data
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import summarise
from archdsl.analysis.tables import short_number
from archdsl.commands import setup, streams


def run(arguments: argparse.Namespace) -> int:
    entries = _entries(setup.options(arguments))
    if arguments.format == "json":
        streams.result(json.dumps(entries, ensure_ascii=False, indent=1) + "\n")
        return 0
    rows = [("name", "params", "MACs", "input", "what it is")]
    for entry in entries:
        shapes = ", ".join(str(item["shape"]) for item in entry["inputs"].values())
        numbers = [short_number(entry[key]) if entry[key] is not None else "" for key in ("params", "macs")]
        rows.append((f"zoo:{entry['name']}", *numbers, shapes, entry["summary"]))
    if arguments.format == "md":
        lines = [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in rows]
        streams.result("\n".join([lines[0], "| --- | --: | --: | --- | --- |", *lines[1:]]) + "\n")
        return 0
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for name, params, macs, shape, said in rows:
        line = f"{name:{widths[0]}}  {params:>{widths[1]}}  {macs:>{widths[2]}}  {shape:{widths[3]}}  {said}"
        streams.result(line.rstrip() + "\n")
    return 0


def _entries(options: driver.Options) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for path in driver.zoo_files():
        checked = driver.check(driver.load(driver.address(f"zoo:{path.stem}"), options))
        for name, network in checked.networks.items():
            docstring = " ".join((network.docstring or "").split())
            try:
                data = as_data(summarise(network))
            except SizesError:
                data = {"total": {"params": None, "macs": None}, "inputs": {}, "outputs": {}}
            entries.append(
                {
                    "name": name,
                    "file": f"{path.stem}.arch",
                    "model": name,
                    "params": data["total"]["params"],
                    "macs": data["total"]["macs"],
                    "inputs": data["inputs"],
                    "outputs": data["outputs"],
                    "summary": docstring,
                }
            )
    return entries
