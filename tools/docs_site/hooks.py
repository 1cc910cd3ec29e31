"""Hooks of mkdocs: add the generated pages and those of the root of the repository, and change the links of all."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tools.docs_site import api_pages, commands_page, errors_page, settings_page
from tools.docs_site.links import PAGES_OF_ROOT, for_site
from tools.docs_site.pictures import svg
from tools.docs_site.pictures.files import inlined
from tools.docs_site.tables import with_plain_code

_ROOT: Final = Path(__file__).parents[2]
_SOURCES: Final = {page: source for source, page in PAGES_OF_ROOT.items()}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the icon that are not files of `docs/`."""
    generated = {
        "reference/settings.md": settings_page.render(),
        "reference/errors.md": errors_page.render(),
        "reference/commands.md": commands_page.render(),
        **{api_pages.page_of(module): api_pages.render(module) for module in api_pages.MODULES},
        **{page: (_ROOT / source).read_text() for source, page in PAGES_OF_ROOT.items()},
        "assets/pictures.css": svg.stylesheet(),
        "assets/icon.svg": (_ROOT / "rxpump" / "ui" / "static" / "icon.svg").read_text(),
    }
    for path, content in generated.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Change the links of a page that is a file of the repository, and insert its pictures."""
    path = page.file.src_uri
    source = _SOURCES.get(path) or (posixpath.join("docs", path) if page.file.generated_by is None else None)
    if source is None:
        return markdown
    page_of_site = with_plain_code(inlined(markdown, (_ROOT / source).parent))
    page_of_site = for_site(page_of_site, source, f"{config.repo_url}/blob/main/")
    return api_pages.with_links_to_operators(page_of_site) if path == "operators.md" else page_of_site
