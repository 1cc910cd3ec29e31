"""Checkpoints that are kept in a file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rxpump.checkpoints.checkpoint import Checkpoint


class FileCheckpoint:
    """A checkpoint in a file.

    Each save writes a new file and renames it, and flushes both to the disk. So after a crash the file contains
    either the old or the new checkpoint, complete.

    `read` and `write` do the same as `load` and `save`, for programs without an event loop. All raise OSError if the
    file cannot be read or written. `load` and `read` raise InvalidArgument if the file does not contain a checkpoint.

    Args:
        path: Path of the file. Its directory must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    async def load(self) -> Checkpoint | None:
        """Return the checkpoint in the file, or None if the file does not exist."""
        return await asyncio.to_thread(self.read)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Replace the file."""
        await asyncio.to_thread(self.write, checkpoint)

    def read(self) -> Checkpoint | None:
        """Return the checkpoint in the file, or None if the file does not exist."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return None
        return Checkpoint.from_json(text)

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace the file."""
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("w") as file:
            file.write(checkpoint.to_json())
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # Otherwise a crash could undo the rename.
        finally:
            os.close(directory)

    def __repr__(self) -> str:
        return f"<FileCheckpoint {self.path}>"
