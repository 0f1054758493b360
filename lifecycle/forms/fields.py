"""Fields and small forms that several pages use."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django import forms
from django.db import models
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from lifecycle.models import User

_SELECTED = mark_safe(" selected")


class LongSelect(forms.Select):
    """A choice among very many, written at once: Django renders a template for each of them."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The element with its options; groups of options are not known here."""
        chosen = set(self.format_value(value) or ())
        given = self.build_attrs(self.attrs, attrs)
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            (
                (key, _SELECTED if key in chosen else "", label)
                for key, label in (("" if key is None else str(key), label) for key, label in self.choices)
            ),
        )
        return format_html('<select name="{}"{}>{}</select>', name, flatatt(given), options)


class RecordField(forms.TypedChoiceField):
    """A choice among records that the page has read already; its value is the record, or None."""

    def __init__(
        self,
        records: Sequence[models.Model],
        *,
        empty: Any = "",
        label_of: Callable[[Any], str] = str,
        **options: Any,
    ) -> None:
        by_key = {str(each.pk): each for each in records}
        choices = [(key, label_of(each)) for key, each in by_key.items()]
        if empty or not options.get("required", True):
            choices.insert(0, ("", empty or "–"))
        options.setdefault("widget", LongSelect)
        super().__init__(choices=choices, coerce=by_key.get, empty_value=None, **options)


class DayField(forms.DateField):
    """A day, with the browser's own picker."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


class PlainForm(forms.Form):
    """Nothing to fill in: the button says it all."""


class ReasonForm(forms.Form):
    """A reason that has to be given."""

    reason = forms.CharField(
        label=_("Reason"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}), strip=True
    )


class PeopleForm(forms.Form):
    """A form with fields that name people; `people` are those who may be chosen."""

    people_fields: ClassVar[dict[str, tuple[Any, Any]]] = {}
    people_needed: ClassVar[bool] = False

    def __init__(self, *args: Any, people: Sequence[User] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        for name, (label, empty) in self.people_fields.items():
            self.fields[name] = RecordField(
                people, label=label, empty=empty, required=self.people_needed, label_of=str
            )
        self.order_fields([*self.people_fields, *self.fields])
