"""A finding that is verified says how it was put right, and who verified it is another person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_findings_are_verified")]

    operations = [
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("settled_at__isnull", False),
                        ("state", "verified"),
                        models.Q(("settlement", ""), _negated=True),
                    ),
                    models.Q(models.Q(("state", "verified"), _negated=True), ("settled_at__isnull", True)),
                    _connector="OR",
                ),
                name="finding_verified_says_how",
            ),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verified_by__isnull", True),
                    models.Q(("verified_by", models.F("resolved_by")), _negated=True),
                    _connector="OR",
                ),
                name="finding_verified_by_another",
            ),
        ),
    ]
