"""Names of files inside a model: relative, plain, and never a way out of the folder."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.utils.translation import gettext as _

from lifecycle.errors import Invalid

LONGEST = 1_000


def safe_name(name: str, where: str = "/uri") -> str:
    """The name if it stays below the model's folder whatever reads it, else `Invalid("unsafe_name")`."""
    parts = PurePosixPath(name).parts
    unsafe = (
        not name
        or len(name) > LONGEST
        or name.startswith("/")
        or "\\" in name
        or any(ord(letter) < 0x20 for letter in name)
        or not {".", ".."}.isdisjoint(name.split("/"))
        or (len(name) > 1 and name[1] == ":")
        or str(PurePosixPath(*parts)) != name
    )
    try:
        name.encode()
    except UnicodeEncodeError:
        unsafe = True
    if unsafe:
        shown = ascii(name[:100])
        raise Invalid(
            "unsafe_name",
            _("The model has a file whose name leads elsewhere: %(name)s.") % {"name": shown},
            where,
        )
    return name
