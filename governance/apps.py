from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from governance.ungoverned import UNGOVERNED
from ledger.append_only import keep_append_only


class GovernanceConfig(AppConfig):
    """Who may decide: gates, criteria, sign-offs, authorizations, deployments."""

    name = "governance"
    ungoverned = UNGOVERNED

    def ready(self) -> None:
        import_module("governance.receivers")  # connects them
        import_module("governance.comment_subjects")  # lets gates have comments
        import_module("governance.inbox_sources")  # lets gates wait in the inbox
        import_module("governance.task_purposes")  # lets tasks say which controls they serve
        import_module("governance.monitoring_marks")  # lets deployments stand on charts of monitoring
        models = import_module("governance.models")
        kept = (
            models.Signoff,
            models.Evaluation,
            models.CriterionResult,
            models.Staleness,
            models.GateAsk,
            models.Attestation,
            models.ClockCorrection,
        )
        post_migrate.connect(keep_append_only(*kept), sender=self, weak=False, dispatch_uid="kept")
