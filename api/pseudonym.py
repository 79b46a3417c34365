"""Pseudonyms of senders: equal for equal senders, and meaningless to whoever lacks the secret."""

from __future__ import annotations

import hmac
import re
import unicodedata
from dataclasses import dataclass, field

PURPOSE = b"sender of an appeal"
"""Sets these hashes apart from all else that the secret is a key for."""

_PHONE = re.compile(r"(?:\+?7|8)(\d{10})")
_BETWEEN_DIGITS = re.compile(r"[\s().-]+")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes the pseudonyms of one city; those of another can't be matched with them."""

    secret: bytes = field(repr=False)
    city_code: str

    def of(self, sender: str) -> str:
        """Return the pseudonym of a sender, 64 hexadecimal digits."""
        parts = (PURPOSE, self.city_code.encode(), canonical_sender(sender).encode())
        return hmac.digest(self.secret, b"\0".join(parts), "sha256").hex()


def canonical_sender(sender: str) -> str:
    """Return what the spellings of one reference have in common.

    Examples
    --------
    >>> canonical_sender("8 (701) 000-00-01") == canonical_sender("+77010000001")
    True
    """
    plain = unicodedata.normalize("NFKC", sender).strip().casefold()
    phone = _PHONE.fullmatch(_BETWEEN_DIGITS.sub("", plain))
    return f"+7{phone[1]}" if phone else plain
