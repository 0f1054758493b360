from importlib import import_module

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Who may decide: gates, criteria, sign-offs, authorizations, deployments."""

    name = "governance"

    def ready(self) -> None:
        import_module("governance.receivers")  # connects them
        import_module("governance.comment_subjects")  # lets gates have comments
        import_module("governance.inbox_sources")  # lets gates wait in the inbox
