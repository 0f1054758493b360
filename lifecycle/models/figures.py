from django.db import models


class KeptFigures(models.Model):
    """Figures over all projects, computed ahead where reading them takes too long for a page.

    Derived from the ledger's first `size` entries alone: throwing a row away loses nothing.
    """

    name = models.CharField(max_length=60, unique=True)
    figures = models.JSONField()
    size = models.BigIntegerField(help_text="so many entries the ledger had")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
