"""Who may decide, as a Django app."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """Gates, criteria, sign-offs, waivers, authorizations, deployments."""

    name = "governance"
