"""Passwords that are stored as salted hashes."""

from __future__ import annotations

import hmac
import os
from hashlib import pbkdf2_hmac
from typing import Final, NamedTuple

_ITERATIONS: Final = 50_000
_SALT_BYTES: Final = 16


class PasswordHash(NamedTuple):
    """The hash of a password.

    Attributes:
        salt: Random bytes, in hexadecimal digits.
        digest: Hash of the password with the salt, in hexadecimal digits.
    """

    salt: str
    digest: str

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Return the hash of a password, with a new salt."""
        salt = os.urandom(_SALT_BYTES).hex()
        return cls(salt, _digest(password, salt))

    def matches(self, password: str) -> bool:
        """Return whether this is the hash of a password. It takes some ten milliseconds."""
        return hmac.compare_digest(self.digest, _digest(password, self.salt))


def _digest(password: str, salt: str) -> str:
    return pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ITERATIONS).hex()
