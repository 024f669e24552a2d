"""What all commands do first: the options every one of them has, and the user's own operators."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from archdsl import driver
from archdsl.driver import Chosen, Options
from archdsl.failures import EnvironmentFailure, FileFailure


def options(arguments: argparse.Namespace) -> Options:
    """``--root``, ``--limit`` and ``--plugin``. Raises UsageFailure, FileFailure, EnvironmentFailure."""
    plugins(arguments.plugin)
    root = Path(arguments.root) if arguments.root is not None else None
    if root is not None and not root.is_dir():
        raise FileFailure(f"--root {root}: is not a directory")
    return Options(root=root, limits=driver.limits(arguments.limit))


def plugins(names: Sequence[str]) -> None:
    """Import the modules that register the user's operators; files of the current folder can be named too."""
    for name in names:
        added = name not in sys.modules and Path(f"{name.replace('.', '/')}.py").is_file()
        if added:
            sys.path.insert(0, str(Path.cwd()))
        try:
            importlib.import_module(name)
        except Exception as error:
            raise EnvironmentFailure(f"--plugin {name}: {type(error).__name__}: {error}") from None
        finally:
            if added:
                sys.path.pop(0)


def chosen(arguments: argparse.Namespace) -> Chosen:
    """The model that a command line names, elaborated."""
    made = options(arguments)
    address = driver.address(arguments.target)
    settings = driver.settings(arguments.set)
    return driver.model(driver.load(address, made), address.model, settings)
