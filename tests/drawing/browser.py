"""A real browser for tests: Playwright with the machine's Chromium; where either is missing, a skip that says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def browser_page(**options: Any) -> Iterator[Any]:
    """A page in a fresh browser without network; ``ARCHDSL_BROWSER`` may say where the browser is."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: pip install -c constraints.txt -e '.[e2e]'"
    )
    found = os.environ.get("ARCHDSL_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser.new_context(offline=True, **options).new_page()
        finally:
            browser.close()
