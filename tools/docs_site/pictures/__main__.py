"""Write the pictures of `docs/pictures/`."""

from __future__ import annotations

from pathlib import Path

from tools.docs_site.pictures.files import FILES

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in FILES.items():
        (FOLDER / name).write_text(draw())
