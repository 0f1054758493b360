"""The ledger app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = _("Ledger")

    def ready(self) -> None:
        """Watch the governed rows, and let migrations change them."""
        from ledger import rows, upgrades  # noqa: PLC0415  (they need the models)

        connection_created.connect(rows.watch_connection, dispatch_uid="rows")
        pre_migrate.connect(upgrades.begin_upgrade, sender=self, dispatch_uid="rows")
        post_migrate.connect(upgrades.end_upgrade, sender=self, dispatch_uid="rows")
