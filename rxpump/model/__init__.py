"""Values of the public API, such as events, pages and settings, and the checks of arguments."""
