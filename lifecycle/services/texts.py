"""Texts from people, checked before anything is changed: length and characters. All raise `Invalid`."""

import unicodedata

from django.utils.translation import gettext as _

from lifecycle.errors import Invalid

_BREAKS = frozenset("\n\t")
_TURNING = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Turn the direction of what follows, so that a text reads as something else than it is."""
_NOT_ALONE = ("Cf", "Zs", "Zl", "Zp", "Mn")


def line(value: str, where: str, *, most: int = 300, needed: bool = True) -> str:
    """One line of at most `most` characters, without the space around it; any script and emoji, no
    controls.
    """
    return _checked(value, where, most, needed=needed, allowed=frozenset())


def prose(value: str, where: str, *, most: int = 10_000, needed: bool = True) -> str:
    """A text of several lines; line ends become a single line feed."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n")
    return _checked(unified, where, most, needed=needed, allowed=_BREAKS)


def _checked(value: str, where: str, most: int, *, needed: bool, allowed: frozenset[str]) -> str:
    text = value.strip()
    if needed and not text:
        raise Invalid("missing", _("This must not be empty."), where)
    if len(text) > most:
        raise Invalid("too_long", _("At most %(most)d characters are possible here.") % {"most": most}, where)
    if needed and all(unicodedata.category(character) in _NOT_ALONE for character in text):
        raise Invalid("missing", _("This must not be empty: there is nothing to see."), where)
    for character in text:
        kind = unicodedata.category(character)
        wrong = kind in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING
        if wrong and character not in allowed:
            code = {"code": f"U+{ord(character):04X}"}
            raise Invalid(
                "control_character", _("The character %(code)s is not possible here.") % code, where
            )
    return text
