"""The services that messages go through, by apprise: which are let in, what an address leads to, sending.

Only services that are spoken to over HTTP with `requests` are let in, since their requests can be guarded
(`lifecycle/outbound/guarded.py`). Parts of an address that read files, follow redirects or switch checks off
are refused.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from lifecycle.errors import Invalid
from lifecycle.outbound import OutboundError, resolve
from lifecycle.outbound.guarded import Traffic, guarded

if TYPE_CHECKING:
    from apprise import NotifyBase

NAMES = {
    "slack": "Slack", "workflows": "Microsoft Teams", "discord": "Discord", "gchat": "Google Chat",
    "mmost": "Mattermost", "mmosts": "Mattermost", "rocket": "Rocket.Chat", "rockets": "Rocket.Chat",
    "zulip": "Zulip", "wxteams": "Webex", "tgram": "Telegram", "pover": "Pushover", "gotify": "Gotify",
    "gotifys": "Gotify", "ntfy": "ntfy", "ntfys": "ntfy", "pagerduty": "PagerDuty", "opsgenie": "Opsgenie",
    "json": "JSON", "jsons": "JSON",
}  # fmt: skip
"""What is let in: the scheme of the address, and the service's own name."""

_OWN_HOST = frozenset({"mmost", "rocket", "gotify", "ntfy", "json"})
_FORBIDDEN = frozenset({
    "attach", "cto", "redirect", "retry", "rto", "store", "template", "tz", "verify", "wait",
})  # fmt: skip
_PORTS = {False: 80, True: 443}
_CHATS = frozenset(NAMES) - {"json", "jsons"}
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may carry addresses


def allowed() -> list[str]:
    """The schemes that this installation lets in, by name."""
    chosen = settings.GATEBOOK_CHANNELS
    return [scheme for scheme in NAMES if not chosen or scheme in chosen]


def check_address(url: str) -> str:
    """The scheme of an address that can be used; raises `Invalid` with what is wrong, at `url`.

    The host of a service that people run themselves is looked up, and has to be one that may be reached.
    """
    scheme, colon, _rest = url.partition("://")
    scheme = scheme.lower()
    if not colon:
        raise Invalid("bad_address", _("An address begins with the service, such as slack://…"), "url")
    if scheme not in allowed():
        text = _("“%(scheme)s” is not let in here. There are: %(known)s.")
        raise Invalid("service", text % {"scheme": scheme[:20], "known": ", ".join(allowed())}, "url")
    asked = {
        name.lower().lstrip("+-:") for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
    }
    if asked & _FORBIDDEN:
        word = min(asked & _FORBIDDEN)
        raise Invalid("forbidden_part", _("“%s” is not possible in the address.") % word, "url")
    found = _service(url)
    if found is None:
        text = _("This is no address of %s.") % NAMES[scheme]
        raise Invalid("bad_address", text, "url")
    if scheme.removesuffix("s") in _OWN_HOST or scheme in _OWN_HOST:
        try:
            resolve(str(found.host).strip("[]"), int(found.port or _PORTS[bool(found.secure)]))
        except OutboundError as no:
            raise Invalid(no.code, str(no), "url") from no
    return scheme


def send(url: str, title: str, text: str) -> tuple[bool, Traffic]:
    """Send one message; whether the service has taken it, and what its requests came to."""
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415  # half a second that only this needs

    found = _service(url)
    if found is None:  # a newer apprise reads addresses in another way
        return False, Traffic()
    if url.partition("://")[0].lower() in _CHATS:
        title, text = _quiet(title), _quiet(text)
    every = Apprise(asset=found.asset)
    every.add(found)
    with guarded() as traffic:
        taken = every.notify(
            body=text, title=title, notify_type=NotifyType.INFO, body_format=NotifyFormat.TEXT
        )
    return bool(taken), traffic


def _service(url: str) -> NotifyBase | None:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415  # likewise

    asset = AppriseAsset(
        app_id="Gatebook", app_desc="Gatebook", app_url="", async_mode=False, secure_logging=True,
        http_redirects=False, plugin_paths=[],
    )  # fmt: skip
    found: NotifyBase | None = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    return found


def _quiet(text: str) -> str:
    """Nobody rings a whole chat by a name that they typed: no `@here` or `<!channel>` is left whole."""
    return text.replace("@", "@\u200b").replace("<!", "<\u200b!")
