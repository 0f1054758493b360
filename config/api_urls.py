"""Addresses of the API, version 1, in a namespace of their own, so that no name means a page too."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from governance.api.admission import AdmissionView
from governance.api.attestations import AttestationView, GatePassView, KeyList, StatusView
from governance.api.compliance import (
    AssuranceList,
    ExclusionList,
    ProjectCompliance,
    ProjectControls,
    ProjectOscal,
)
from governance.api.control_tasks import ControlTaskAct, ControlTaskList
from governance.api.deployments import DeploymentViewSet
from governance.api.frameworks import FrameworkCatalog, FrameworkDetail, FrameworkList
from governance.api.gate_checks import GateCheckView
from governance.api.github import GithubWebhookView
from governance.api.inventory import IncidentList, Inventory
from governance.api.production import ProductionView
from governance.api.running import RunningViewSet
from governance.api.signoffs import SignoffList
from lifecycle.api.events import EventList
from lifecycle.api.lineage import LineageBatchView, LineageView
from lifecycle.api.monitoring_plans import MonitoringPlanViewSet
from lifecycle.api.outside_events import CloudEventsView, EvidentlyView
from lifecycle.api.projects import ProjectViewSet
from lifecycle.api.registrations import DataSetViewSet, RegistrationViewSet
from lifecycle.api.runs import RunViewSet
from lifecycle.api.test_sets import TestSetViewSet
from lifecycle.api.webhooks import MlflowWebhookView
from reports.api.reports import ReportViewSet

router = SimpleRouter()
router.register("projects", ProjectViewSet, basename="project")
router.register("runs", RunViewSet, basename="run")
router.register("registrations", RegistrationViewSet, basename="registration")
router.register("monitoring-plans", MonitoringPlanViewSet, basename="monitoring-plan")
router.register("data-sets", DataSetViewSet, basename="data-set")
router.register("test-sets", TestSetViewSet, basename="test-set")
router.register("deployments", DeploymentViewSet, basename="deployment")
router.register("running", RunningViewSet, basename="running")
router.register("reports", ReportViewSet, basename="report")

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("gate-checks/", GateCheckView.as_view(), name="gate-checks"),
    path("production/", ProductionView.as_view(), name="production"),
    path("admission", AdmissionView.as_view(), name="admission"),
    path("gate-passes/", GatePassView.as_view(), name="gate-passes"),
    path("gate-passes/status/", StatusView.as_view(), name="gate-passes-status"),
    path("keys/", KeyList.as_view(), name="keys"),
    path("gates/<int:pk>/attestations/<str:kind>/", AttestationView.as_view(), name="gate-attestation"),
    path("gates/<int:pk>/signoffs/", SignoffList.as_view(), name="gate-signoffs"),
    path("frameworks/", FrameworkList.as_view(), name="frameworks"),
    path("frameworks/<str:key>/", FrameworkDetail.as_view(), name="framework"),
    path("frameworks/<str:key>/oscal/", FrameworkCatalog.as_view(), name="framework-oscal"),
    path("inventory/", Inventory.as_view(), name="inventory"),
    path("projects/<slug:slug>/incidents/", IncidentList.as_view(), name="incidents"),
    path("projects/<slug:slug>/compliance/", ProjectCompliance.as_view(), name="compliance"),
    path("projects/<slug:slug>/compliance/<str:key>/", ProjectControls.as_view(), name="compliance-controls"),
    path(
        "projects/<slug:slug>/compliance/<str:key>/assurances/",
        AssuranceList.as_view(),
        name="assurances",
    ),
    path(
        "projects/<slug:slug>/compliance/<str:key>/exclusions/",
        ExclusionList.as_view(),
        name="exclusions",
    ),
    path(
        "projects/<slug:slug>/compliance/<str:key>/control-tasks/",
        ControlTaskList.as_view(),
        name="control-tasks",
    ),
    path(
        "projects/<slug:slug>/compliance/<str:key>/control-tasks/<int:pk>/<slug:act>/",
        ControlTaskAct.as_view(),
        name="control-task-act",
    ),
    path(
        "projects/<slug:slug>/compliance/<str:key>/oscal/<slug:kind>/",
        ProjectOscal.as_view(),
        name="compliance-oscal",
    ),
    path("projects/<slug:slug>/events/", EventList.as_view(), name="project-events"),
    path("webhooks/mlflow/<slug:key>/", MlflowWebhookView.as_view(), name="webhook-mlflow"),
    path("webhooks/github/", GithubWebhookView.as_view(), name="webhook-github"),
    path("lineage", LineageView.as_view(), name="lineage"),
    path("lineage/batch", LineageBatchView.as_view(), name="lineage-batch"),
    path("cloudevents/", CloudEventsView.as_view(), name="cloudevents"),
    path("evidently/", EvidentlyView.as_view(), name="evidently"),
    path(
        "runs/",
        RunViewSet.as_view({"get": "list", "post": "create", "put": "upsert"}),
        name="run-list",
    ),
    *router.urls,
]
