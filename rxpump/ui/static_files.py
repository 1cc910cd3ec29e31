"""The files of the page: HTML, CSS, ES modules and pictures, in the folder `static`."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "static"

START_PAGE: Final = "index.html"

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""Content type by the suffix of a file. Files with other suffixes are not served.

The table of the operating system is not used, because a browser refuses an ES module of another type.
"""


def routes() -> list[Route]:
    """Return the route of the files."""
    return [Route("/{path:path}", _serve)]


async def _serve(request: Request) -> Response:
    name = request.path_params["path"] or START_PAGE
    content = await asyncio.to_thread(_content, name)
    if content is None:
        raise HTTPException(404, f"there is no page {name!r}")
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"cache-control": "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers={**headers, "content-type": TYPES[Path(name).suffix]})


def _content(name: str) -> bytes | None:
    """Return the content of a file; None if there is none.

    The name is compared with those of the existing files, so that no name leads out of the folder.
    """
    files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.suffix in TYPES}
    return files[name].read_bytes() if name in files else None
