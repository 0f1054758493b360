"""What people fill in to have a model or a data set named by its digest. Shape only."""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _


class ModelForm(forms.Form):
    """Where a model lies."""

    catch_all: ClassVar[str] = "uri"

    uri = forms.CharField(
        label=_("Where it lies"),
        max_length=2000,
        help_text=_("A path below the folders for models, s3://bucket/path, or an https address."),
    )


class DataSetForm(forms.Form):
    """Which table, and what its digest covers."""

    catch_all: ClassVar[str] = "uri"

    name = forms.CharField(label=_("Name"), max_length=500, help_text=_("The same name: a further version."))
    uri = forms.CharField(
        label=_("File"), max_length=2000, help_text=_("A path below the folder that data is read from.")
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[("csv", "CSV"), ("parquet", "Parquet"), ("sql", _("SQL query on an SQLite file"))],
    )
    digest = forms.ChoiceField(
        label=_("What names a version"),
        choices=[
            ("bytes", _("the bytes of the file")),
            ("kept", _("its rows, in their order")),
            ("any", _("its rows, in any order")),
        ],
    )
    query = forms.CharField(
        label=_("Query"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text=_("A SELECT, for SQL only."),
    )
    licence = forms.CharField(label=_("Licence"), required=False, max_length=300)
    owner = forms.CharField(label=_("Who answers for it"), required=False, max_length=300)


class DescriptionForm(forms.Form):
    """What is said of a data set."""

    source = forms.CharField(label=_("Where it comes from"), required=False, max_length=2000)
    licence = forms.CharField(label=_("Licence"), required=False, max_length=300)
    owner = forms.CharField(label=_("Who answers for it"), required=False, max_length=300)
    description = forms.CharField(
        label=_("Description"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
    )
