"""A checkpoint in a file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rxpump.checkpoints.checkpoint import Checkpoint


class FileCheckpoint:
    """Keeps a checkpoint in the file at `path`; its directory must exist.

    Each save writes a new file beside it and renames it, both flushed to the disk: whatever happens, the file
    holds the one checkpoint or the other, whole. Errors are those of the file system (OSError), and
    InvalidArgument for a file that holds something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    async def load(self) -> Checkpoint | None:
        """Read the file; None if there is none."""
        return await asyncio.to_thread(self._read)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Replace the file."""
        await asyncio.to_thread(self._replace, checkpoint.to_json())

    def _read(self) -> Checkpoint | None:
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return None
        return Checkpoint.from_json(text)

    def _replace(self, text: str) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # or a crash may bring the old file back
        finally:
            os.close(directory)

    def __repr__(self) -> str:
        return f"<FileCheckpoint {self.path}>"
