"""E-mails in words: plain text, with the addresses of the pages where the matter stands."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.models import Mail, Notice


def message_of(mail: Mail) -> EmailMessage | None:
    """The e-mail of one notice or of a day's digest, None without any. 1 query beside the mail's person.

    Its Message-ID is always the same, so that a copy can be told from news.
    """
    if mail.key.startswith(Mail.RESET):
        return _reset_link(mail)
    notices = list(mail.notices.select_related("project").order_by("project__name", "created_at", "pk"))
    if not notices:
        return None
    digest = mail.day is not None
    context = {
        "person": mail.person,
        "notices": notices,
        "site": site_address(),
        "settings_url": f"{site_address()}/notices/settings/",
    }
    template = "digest" if digest else "one"
    return EmailMessage(
        subject=_digest_subject(len(notices)) if digest else _subject(notices),
        body=render_to_string(f"lifecycle/notices/mail_{template}.txt", context),
        to=[mail.person.email],
        headers={"Message-ID": _message_id(mail), "Auto-Submitted": "auto-generated"},
    )


def _reset_link(mail: Mail) -> EmailMessage:
    """The link with which a person chooses a password; good for Django's PASSWORD_RESET_TIMEOUT."""
    path = reverse(
        "lifecycle:password-choose",
        args=[
            urlsafe_base64_encode(force_bytes(mail.person.pk)),
            default_token_generator.make_token(mail.person),
        ],
    )
    context = {"person": mail.person, "site": site_address(), "link": f"{site_address()}{path}"}
    return EmailMessage(
        subject=_("Gatebook: choose a password"),
        body=render_to_string("lifecycle/notices/mail_reset.txt", context),
        to=[mail.person.email],
        headers={"Message-ID": _message_id(mail), "Auto-Submitted": "auto-generated"},
    )


def site_address() -> str:
    """Scheme and host that people use; where none is set, this machine's."""
    return str(settings.GATEBOOK_URL or "http://127.0.0.1:8000")


def _subject(notices: list[Notice]) -> str:
    first = notices[0]
    return f"{first.project.name}: {first.subject}" if first.project else first.subject


def _digest_subject(count: int) -> str:
    return ngettext("Gatebook: %d thing is new", "Gatebook: %d things are new", count) % count


def _message_id(mail: Mail) -> str:
    host = site_address().partition("://")[2].partition(":")[0]
    return f"<gatebook-mail-{mail.pk}@{host or _('localhost')}>"
