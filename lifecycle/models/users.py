from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. Closed when they leave, never deleted: their name stands in evidence."""

    class OrgRole(models.TextChoices):
        ADMINISTRATOR = "administrator", _("Administrator")
        PROCESS_OWNER = "process_owner", _("Process owner")
        AUDITOR = "auditor", _("Auditor")
        MEMBER = "member", _("Member")

    class BarReason(models.TextChoices):
        FIRST_PASSWORD = "first_password", _("Somebody else chose the first password")
        PASSWORD_RESET = "password_reset", _("An administrator reset the password")
        FACTOR_REMOVED = "factor_removed", _("An administrator removed the second factor")
        COMPROMISED = "compromised", _("Somebody else may have used the account")

    first_name = None  # type: ignore[assignment]  # one printed name, as it stands under a signature
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("printed name"), max_length=300)
    org_role = models.CharField(max_length=20, choices=OrgRole.choices, default=OrgRole.MEMBER)
    time_zone = models.CharField(
        max_length=60,
        default="UTC",
        help_text="IANA name, in which pages show times to this person",
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    identity_subject = models.CharField(
        max_length=300,
        blank=True,
        help_text="issuer and subject of the identity provider; accounts that share it are one person",
    )
    bar_reason = models.CharField(
        max_length=20,
        choices=BarReason.choices,
        blank=True,
        help_text="why nothing can be signed until the person has set a password of their own",
    )
    barred_at = models.DateTimeField(null=True, blank=True)

    REQUIRED_FIELDS = ["name", "email"]

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(bar_reason="", barred_at__isnull=True)
                | (~models.Q(bar_reason="") & models.Q(barred_at__isnull=False)),
                name="user_barred_at_iff_barred",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @property
    def actor_key(self) -> str:
        """How the ledger names this person: a key without personal data."""
        return f"user:{self.pk}"

    @property
    def actor_label(self) -> str:
        return str(self)

    @property
    def initials(self) -> str:
        """One or two letters for the round picture."""
        words = [word for word in str(self).split() if word[:1].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
