"""Tests of the web page in Chromium. `make test-browser` runs them."""
