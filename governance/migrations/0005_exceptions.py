"""Findings with a life, waivers, conditions, feedback, break-glass; evaluations keep their facts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0004_attestations"),
        ("lifecycle", "0007_stack_of_a_project"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("environment", models.CharField(max_length=60)),
                ("reason", models.TextField()),
                ("hours", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waits for a second person"),
                            ("open", "Open"),
                            ("refused", "Refused"),
                            ("ended", "Ended"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "broken glass",
                "ordering": ["project", "-asked_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Condition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("due_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("dropped", "Dropped"),
                            ("open", "Open"),
                            ("fulfilled", "Fulfilled"),
                            ("missed", "Missed"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField()),
                ("note", models.TextField(blank=True, help_text="what shows that it is fulfilled")),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["gate", "due_on", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Feedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "grade",
                    models.CharField(
                        choices=[("fine", "Fine"), ("minor", "Minor issue"), ("major", "Major issue")],
                        max_length=5,
                    ),
                ),
                (
                    "about",
                    models.CharField(
                        blank=True, help_text="key of a criterion; empty: the whole gate", max_length=60
                    ),
                ),
                ("text", models.TextField(blank=True)),
                (
                    "asks_changes",
                    models.BooleanField(default=False, help_text="nobody approves until it is settled"),
                ),
                ("given_at", models.DateTimeField()),
                ("answer", models.TextField(blank=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "feedback",
                "ordering": ["gate", "given_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Recusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField()),
                ("recused_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["gate", "recused_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("criterion", models.CharField(max_length=60)),
                ("words", models.CharField(help_text="what the criterion asks", max_length=600)),
                ("justification", models.TextField()),
                ("measure", models.TextField(help_text="what is done instead")),
                ("expires_on", models.DateField(help_text="the last day on which it holds")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked for"),
                            ("granted", "Granted"),
                            ("refused", "Refused"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "signer_name",
                    models.CharField(blank=True, help_text="printed name at the time", max_length=300),
                ),
                (
                    "digest",
                    models.CharField(blank=True, help_text="SHA-256 of what was signed", max_length=64),
                ),
                ("state_reason", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["gate", "-requested_at", "-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="finding",
            name="finding_settled_says_how",
        ),
        migrations.AddField(
            model_name="criterionresult",
            name="seen",
            field=models.JSONField(
                blank=True, default=list, help_text="each value that was looked at, by its text"
            ),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="facts",
            field=models.JSONField(
                blank=True, help_text="what the criteria could look at, to try others on it later", null=True
            ),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="reason",
            field=models.CharField(blank=True, help_text="what it was repeated for", max_length=200),
        ),
        migrations.AddField(
            model_name="finding",
            name="due_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="finding",
            name="holds",
            field=models.BooleanField(
                default=False, help_text="no gate of the project passes while it stands"
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="opened_by",
            field=models.ForeignKey(
                blank=True,
                help_text="nobody: the site found it itself",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="resolved_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="finding",
            name="resolved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="verified_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="gate",
            name="ends_phase",
            field=models.BooleanField(default=True, help_text="passing it passes its phase"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="settled_at",
            field=models.DateTimeField(blank=True, help_text="when somebody else saw that it is", null=True),
        ),
        migrations.AlterField(
            model_name="finding",
            name="settlement",
            field=models.TextField(blank=True, help_text="how it was put right"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="severity",
            field=models.CharField(
                choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="finding",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("in_work", "In work"),
                    ("resolved", "Resolved"),
                    ("verified", "Verified"),
                ],
                default="open",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="gate",
            name="requested_by",
            field=models.ForeignKey(
                blank=True,
                help_text="nobody: it came due",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="gate",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("passed", "Passed"),
                    ("conditional", "Passed with conditions"),
                    ("lapsed", "Closed again"),
                    ("refused", "Refused"),
                    ("held", "Held"),
                    ("stopped", "Stopped"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="open",
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(fields=["project", "state"], name="finding_of_project"),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="finding",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="break_glass",
                to="governance.finding",
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="model_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="broken_glass",
                to="lifecycle.modelversion",
            ),
        ),
        migrations.AddField(
            model_name="breakglass",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="broken_glass",
                to="lifecycle.project",
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="break_glass",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deployments",
                to="governance.breakglass",
            ),
        ),
        migrations.AddField(
            model_name="condition",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="condition",
            name="gate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="conditions", to="governance.gate"
            ),
        ),
        migrations.AddField(
            model_name="condition",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conditions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="condition",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="feedback",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="feedback",
            name="gate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="feedback", to="governance.gate"
            ),
        ),
        migrations.AddField(
            model_name="feedback",
            name="settled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="recusal",
            name="delegate",
            field=models.ForeignKey(
                blank=True,
                help_text="nobody: abstained",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="recusal",
            name="gate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="recusals", to="governance.gate"
            ),
        ),
        migrations.AddField(
            model_name="recusal",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="gate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="governance.gate"
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="criterionresult",
            name="waiver",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="results",
                to="governance.waiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="break_glass_takes_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "open"), _negated=True),
                    models.Q(("ends_at__isnull", False), ("finding__isnull", False)),
                    _connector="OR",
                ),
                name="break_glass_open_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="recusal",
            constraint=models.UniqueConstraint(fields=("gate", "person"), name="recusal_once"),
        ),
        migrations.AddConstraint(
            model_name="recusal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("delegate__isnull", True),
                    models.Q(("delegate", models.F("person")), _negated=True),
                    _connector="OR",
                ),
                name="recusal_to_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("asked", "granted"))),
                fields=("gate", "criterion"),
                name="waiver_one_for_a_criterion",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("granted", "refused")), _negated=True),
                    ("decided_at__isnull", False),
                    _connector="OR",
                ),
                name="waiver_decided_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("decided_by", models.F("requested_by")), _negated=True),
                    _connector="OR",
                ),
                name="waiver_decided_by_another",
            ),
        ),
    ]
