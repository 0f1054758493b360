"""What is dropped to be checked."""

from __future__ import annotations

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

LARGEST = 64 * 1024**2
"""Larger reports are checked offline: each is read into memory."""


class CheckForm(forms.Form):
    """A sealed report."""

    file = forms.FileField(
        label=_("Report (PDF)"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
        help_text=_("Drop it here, or choose it. It is read, checked and forgotten."),
        error_messages={"required": _("Choose the PDF of a report.")},
    )

    def clean_file(self) -> UploadedFile[bytes]:
        """Not more than is read into memory at once."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if file.size is None or file.size > LARGEST:
            text = _("The file is larger than %(most)d MiB: check it with verify.py.")
            raise forms.ValidationError(text % {"most": LARGEST // 1024**2}, code="too_large")
        return file
