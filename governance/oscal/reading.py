"""An OSCAL document as plain data, and a framework from it. Refused with the place of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from governance.errors import Invalid
from governance.oscal.catalogs import framework_from_catalog
from governance.oscal.profiles import FindFramework, framework_from_profile
from governance.oscal.shapes import Catalog, Profile
from lifecycle.definitions.text import read_yaml
from lifecycle.intake.strict_json import read_json
from lifecycle.shapes import fault_words

MOST_BYTES = 16 * 1024 * 1024
"""The longest JSON that is read; NIST SP 800-53 has ten million bytes. YAML is read up to 1 MiB."""

Shape = TypeVar("Shape", bound=BaseModel)
_ROOTS = ("catalog", "profile")
_OTHERS = frozenset(
    {
        "component-definition", "system-security-plan", "assessment-plan", "assessment-results",
        "plan-of-action-and-milestones", "mapping-collection",
    }
)  # fmt: skip


def read_document(raw: bytes) -> object:
    """Plain data from JSON or YAML. Raises `Invalid` for what is too long, unreadable, or has a key twice."""
    if len(raw) > MOST_BYTES:
        limit = {"limit": MOST_BYTES // 1024 // 1024}
        raise Invalid("too_long", _("The document is longer than %(limit)d MiB.") % limit, "document")
    if raw.lstrip()[:1] in (b"{", b"["):
        return read_json(raw)
    return read_yaml(raw)


def is_oscal(data: object) -> bool:
    """Whether this is a document of OSCAL and not a framework in our own form."""
    return isinstance(data, Mapping) and bool((_OTHERS | set(_ROOTS)) & set(data))


def framework_data(data: object, *, key: str = "", kind: str = "", find: FindFramework) -> object:
    """What `parse_framework` takes, whatever form it came in; our own form is given back as it is.

    `find` gives the framework that a profile chooses from. Raises `Invalid` with the place: a shape that is
    not OSCAL's, an id that is there twice, parameters that insert each other in a loop, a withdrawn control
    that leads to itself, control ids that a profile names and that are not there.
    """
    if not is_oscal(data) or not isinstance(data, Mapping):
        return data
    roots = [name for name in data if not name.startswith("$")]
    if len(roots) != 1 or roots[0] not in _ROOTS:
        known = {"found": ", ".join(sorted(roots)), "known": ", ".join(_ROOTS)}
        text = (
            _("A framework comes from one OSCAL document of the kind %(known)s; this is: %(found)s.") % known
        )
        raise Invalid("oscal_kind", text, "document")
    root = roots[0]
    if root == "catalog":
        return framework_from_catalog(_shape(Catalog, data[root], root), key=key, kind=kind)
    return framework_from_profile(_shape(Profile, data[root], root), key=key, kind=kind, find=find)


def _shape(shape: type[Shape], data: Any, root: str) -> Shape:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([root, *(str(part) for part in first["loc"])])
        raise Invalid("shape", f"{where}: {fault_words(first)}", where) from error
    except RecursionError as error:
        raise Invalid("too_deep", _("The document is nested too deeply."), root) from error
