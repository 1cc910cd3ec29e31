"""The routes of the web page, one module for each view."""
