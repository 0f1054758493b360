"""Deployments stand on the charts of monitoring plans."""

from governance.models import Deployment
from lifecycle.models import Project
from lifecycle.monitoring_marks import Mark, register

MOST = 60


def deployments(project: Project, environment: str) -> list[Mark]:
    """The last 60 deployments into an environment. 1 query."""
    found = Deployment.objects.filter(project=project, environment=environment)
    lines = found.order_by("-deployed_at").values_list("deployed_at", "model_version__number")[:MOST]
    return [Mark(at, f"model {number}") for at, number in lines]


register("governance.deployments", deployments)
