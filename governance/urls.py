"""Addresses of the pages of this app."""

from django.urls import URLPattern, URLResolver, path

from governance.views import authorizations as given
from governance.views import downloads, gate, gates, lineage, models, portfolio, production

app_name = "governance"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", portfolio.portfolio, name="portfolio"),
    path("verify_gate.py", downloads.verifier, name="verifier"),
    path("projects/<slug:slug>/", portfolio.project, name="project"),
    path("projects/<slug:slug>/gates/", gates.project_gates, name="project-gates"),
    path("projects/<slug:slug>/gates/<str:key>/open", gates.gate_open, name="gate-open"),
    path("projects/<slug:slug>/phases/<str:key>/review", gates.phase_review, name="phase-review"),
    path("gates/<int:pk>/", gate.gate, name="gate"),
    path("gates/<int:pk>/evaluate", gate.gate_evaluate, name="gate-evaluate"),
    path("gates/<int:pk>/sign", gate.gate_sign, name="gate-sign"),
    path("gates/<int:pk>/refuse", gate.gate_refuse, name="gate-refuse"),
    path("gates/<int:pk>/withdraw", gate.gate_withdraw, name="gate-withdraw"),
    path("evaluations/<int:pk>/subject", gate.evaluation_subject, name="evaluation-subject"),
    path("projects/<slug:slug>/models/", models.project_models, name="project-models"),
    path("projects/<slug:slug>/deployments/record", models.deployment_record, name="deployment-record"),
    path("deployments/<int:pk>/withdraw", models.deployment_withdraw, name="deployment-withdraw"),
    path("projects/<slug:slug>/findings/open", models.finding_open, name="finding-open"),
    path("findings/<int:pk>/settle", models.finding_settle, name="finding-settle"),
    path("projects/<slug:slug>/lineage/", lineage.project_lineage, name="project-lineage"),
    path("production/", production.production, name="production"),
    path("production.csv", production.production_csv, name="production-csv"),
    path("authorizations/<int:pk>/", given.authorization, name="authorization"),
    path("authorizations/<int:pk>/suspend", given.authorization_suspend, name="authorization-suspend"),
    path("authorizations/<int:pk>/resume", given.authorization_resume, name="authorization-resume"),
    path(
        "authorizations/<int:pk>/withdraw",
        given.authorization_withdraw,
        name="authorization-withdraw",
    ),
]
