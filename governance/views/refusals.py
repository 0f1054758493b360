"""How a page says no: on the form, with what was typed kept."""

from __future__ import annotations

from collections.abc import Callable

from django import forms

from governance.errors import Invalid, Refused


def carried_out(form: forms.Form, act: Callable[[], object]) -> bool:
    """Whether the form was in shape and the service did not refuse; if it did, its words stand on the form.

    `PermissionDenied` passes through: that is a page of its own.
    """
    if not form.is_valid():
        return False
    try:
        act()
    except Invalid as no:
        form.add_error(no.where if no.where in form.fields else None, str(no))
        return False
    except Refused as no:
        form.add_error(None, str(no))
        return False
    return True
