"""The fixtures of the tests in a browser, if playwright is installed. Environments without it leave the tests out."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.browser.fixtures import chromium, page, site, tab  # noqa: F401
