"""The pictures of the documentation, drawn as SVG from text and data.

Marble diagrams are drawn when the site is built. The files in `docs/pictures/` are drawn by
`python -m tools.docs_site.pictures`, so that GitHub shows them too.
"""
