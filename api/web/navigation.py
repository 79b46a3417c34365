"""The pages that the header leads to, for each role its own."""

from __future__ import annotations

from typing import NamedTuple

from api.security import READERS, Principal, Role
from api.web.links import PAGES


class Item(NamedTuple):
    """A link of the header: its wording's key, where it leads, and who may go there, and admins."""

    key: str
    path: str
    roles: tuple[Role, ...]


ITEMS = (
    Item("nav.queue", f"{PAGES}queue", READERS),
    Item("nav.overview", f"{PAGES}overview", READERS),
    Item("nav.audit", f"{PAGES}audit", READERS),
    Item("nav.models", f"{PAGES}models", READERS),
    Item("nav.ledger", f"{PAGES}ledger", READERS),
    Item("nav.people", f"{PAGES}people", ()),
)
"""In the order of the header; a new page adds its line, and its key to the catalogues."""


def items_for(principal: Principal | None) -> list[Item]:
    """Return the links for whoever reads."""
    if principal is None:
        return []
    role = principal.role
    return [item for item in ITEMS if role in item.roles or role is Role.ADMIN]
