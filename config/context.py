"""What every page's template may use without its view saying so."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest

import config
from ledger.queries import Head, head
from lifecycle.models import User
from lifecycle.queries.counts import Counts, counts_of


@dataclass
class Product:
    """Name and version, how much waits for the reader, and the ledger as it stands: 3 queries, where a
    template asks for them.
    """

    request: HttpRequest
    name: str = "Gatebook"
    version: str = config.__version__

    @property
    def inbox_count(self) -> int | str:
        """How much waits, such as 12, or 150+ where not all is counted."""
        return f"{self._counts.inbox}+" if self._counts.more else self._counts.inbox

    @property
    def notice_count(self) -> int:
        return self._counts.notices

    @property
    def ledger_size(self) -> int | None:
        """How many entries the ledger has; None for whoever has not logged in."""
        return self._ledger.size if self._ledger else None

    @property
    def checkpoint(self) -> str:
        """The ledger's root."""
        return self._ledger.root if self._ledger else ""

    @cached_property
    def _ledger(self) -> Head | None:
        return head() if isinstance(getattr(self.request, "user", None), User) else None

    @cached_property
    def _counts(self) -> Counts:
        known = getattr(self.request, "counts_of_reader", None)
        if isinstance(known, Counts):
            return known
        user = getattr(self.request, "user", None)
        return counts_of(user) if isinstance(user, User) else Counts()


def product(request: HttpRequest) -> dict[str, Any]:
    """`product`: name and version for the page's head and foot, counts for its top bar, the
    ledger for its foot.
    """
    return {"product": Product(request)}
