"""The state of the log, which the table `log` contains in its only row."""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from rxpump.server.errors import DamagedRecord
from rxpump.server.store.checksum import row_checksum

LOG_COLUMNS: Final = "last_commit, end, largest, log.checksum"
_LOG: Final = f"SELECT {LOG_COLUMNS} FROM log"


class LogState(NamedTuple):
    """The state of the log.

    Attributes:
        last_commit: Position of the last write; -1 before the first write.
        end: Position of the next record.
        largest: Size in bytes of the largest record.
    """

    last_commit: int
    end: int
    largest: int

    @classmethod
    def of(cls, last_commit: int, end: int, largest: int, checksum: int) -> LogState:
        """Return the state in the columns of the table `log`.

        Raises:
            DamagedRecord: The columns are damaged.
        """
        state = cls(last_commit, end, largest)
        if row_checksum(state) != checksum:
            raise DamagedRecord("the state of the log")
        return state

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> LogState:
        """Read the state from a database.

        Raises:
            DamagedRecord: The state is damaged.
        """
        return cls.of(*connection.execute(_LOG).fetchone())
