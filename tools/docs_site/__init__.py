"""The pages of the documentation site that are generated from the code, and the links of the others.

mkdocs calls `tools/docs_site/hooks.py` (see `mkdocs.yml`). The other modules make text from the package alone, so
that tests need no mkdocs.
"""
