"""What people say, and the files that they give."""

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.services.comments import MOST


class CommentForm(forms.Form):
    """A comment."""

    text = forms.CharField(
        label=_("Comment"), max_length=MOST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Plain text. @username tells a member. It can be withdrawn, not changed."),
    )  # fmt: skip


class AttachmentForm(forms.Form):
    """A file."""

    file = forms.FileField(label=_("File"), allow_empty_file=True)
