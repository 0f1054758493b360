"""What was settled before findings were verified by another person counts as verified."""

from django.db import migrations
from django.db.models import Q


def verify(apps, schema_editor):
    finding = apps.get_model("governance", "Finding")
    finding.objects.filter(state="settled").update(state="verified")
    # A finding of high severity came of a broken glass alone: it holds gates closed as such findings do now.
    finding.objects.filter(Q(severity="high") & ~Q(state="verified")).update(holds=True)


def settle(apps, schema_editor):
    apps.get_model("governance", "Finding").objects.filter(state="verified").update(state="settled")


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_exceptions")]

    operations = [migrations.RunPython(verify, settle)]
