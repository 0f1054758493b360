"""Addresses of the pages of this app."""

from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, path, reverse_lazy

from lifecycle.views import (
    design,
    handoffs,
    inbox,
    monitoring,
    ownership,
    process_drafts,
    process_release,
    processes,
    projects,
    requirements,
    runs,
    tailoring,
    task,
    tasks,
    triggers,
)

app_name = "lifecycle"
urlpatterns: list[URLPattern | URLResolver] = [
    path("login", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout", auth.LogoutView.as_view(), name="logout"),
    path(
        "password",
        auth.PasswordChangeView.as_view(success_url=reverse_lazy("lifecycle:password-changed")),
        name="password-change",
    ),
    path("password/changed", auth.PasswordChangeDoneView.as_view(), name="password-changed"),
    path("design/", design.gallery, name="design"),
    path("projects/<slug:slug>/tasks/", tasks.project_tasks, name="project-tasks"),
    path("projects/<slug:slug>/iterations/", tasks.open_iteration, name="iteration-open"),
    path(
        "projects/<slug:slug>/iterations/<int:number>/<slug:act>/", tasks.move_iteration, name="iteration-act"
    ),
    path(
        "projects/<slug:slug>/iterations/<int:number>/phases/<str:key>/<slug:act>/",
        tasks.move_phase,
        name="phase-act",
    ),
    path("tasks/<int:pk>/", task.task, name="task"),
    path("tasks/<int:pk>/<slug:act>/", task.act_on_task, name="task-act"),
    path("risks/<int:pk>/<slug:act>/", task.act_on_risk, name="risk-act"),
    path("measures/<int:pk>/<slug:act>/", task.act_on_measure, name="measure-act"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("projects/new/", projects.project_new, name="project-new"),
    path("projects/<slug:slug>/people/", projects.project_people, name="project-people"),
    path("projects/<slug:slug>/people/add/", projects.add_member, name="member-add"),
    path("projects/<slug:slug>/people/<int:pk>/change/", projects.change_member, name="member-change"),
    path("projects/<slug:slug>/people/<int:pk>/remove/", projects.remove_member, name="member-remove"),
    path(
        "projects/<slug:slug>/requirements/", requirements.project_requirements, name="project-requirements"
    ),
    path("projects/<slug:slug>/requirements/define/", requirements.define, name="requirement-define"),
    path("projects/<slug:slug>/requirements/<int:pk>/<slug:act>/", requirements.act, name="requirement-act"),
    path("projects/<slug:slug>/handoffs/", handoffs.project_handoffs, name="project-handoffs"),
    path("handoffs/<int:pk>/", handoffs.handoff, name="handoff"),
    path("handoffs/<int:pk>/criteria/<int:order>/", handoffs.tick, name="handoff-tick"),
    path("handoffs/<int:pk>/<slug:act>/", handoffs.act, name="handoff-act"),
    path("projects/<slug:slug>/runs/", runs.project_runs, name="project-runs"),
    path("projects/<slug:slug>/runs/new/", runs.run_new, name="run-new"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/progress/", runs.run_progress, name="run-progress"),
    path("projects/<slug:slug>/monitoring/", monitoring.project_monitoring, name="project-monitoring"),
    path("projects/<slug:slug>/triggers/", triggers.project_triggers, name="project-triggers"),
    path("triggers/<int:pk>/fire/", triggers.fire, name="trigger-fire"),
    path("triggers/<int:pk>/switch/", triggers.switch, name="trigger-switch"),
    path("firings/<int:pk>/", triggers.firing, name="firing"),
    path("firings/<int:pk>/<slug:act>/", triggers.decide, name="firing-act"),
    path("projects/<slug:slug>/ownership/", ownership.project_ownership, name="project-ownership"),
    path("process/", processes.processes, name="process"),
    path("process/<int:pk>/", processes.process_version, name="process-version"),
    path("process/<int:pk>/yaml/", processes.process_yaml, name="process-yaml"),
    path("process/new/", process_release.new, name="process-new"),
    path("process/schema.json", process_release.schema, name="process-schema"),
    path("process/difference/", process_release.compare, name="process-difference"),
    path("process/check-expression/", process_release.check_expression, name="process-check-expression"),
    path("process/<int:pk>/publish/", process_release.publish, name="process-publish"),
    path("process/<int:pk>/retire/", process_release.retire, name="process-retire"),
    path("process/<int:pk>/edit/", process_drafts.draft, name="process-draft"),
    path("process/<int:pk>/edit/head/", process_drafts.head, name="process-draft-head"),
    path("process/<int:pk>/edit/<slug:part>/", process_drafts.part, name="process-draft-part"),
    path("process/<int:pk>/edit/<slug:part>/add/", process_drafts.change, name="process-draft-add"),
    path("process/<int:pk>/edit/<slug:part>/move/", process_drafts.move, name="process-draft-move"),
    path(
        "process/<int:pk>/edit/<slug:part>/at/<str:key>/", process_drafts.change, name="process-draft-change"
    ),
    path(
        "process/<int:pk>/edit/<slug:part>/at/<str:key>/retire/",
        process_drafts.retire,
        name="process-draft-retire",
    ),
    path("projects/<slug:slug>/tailoring/", tailoring.project_tailoring, name="project-tailoring"),
    path("projects/<slug:slug>/tailoring/<slug:act>/", tailoring.tailor, name="tailoring-act"),
    path(
        "projects/<slug:slug>/tailoring/<int:pk>/<slug:act>/", tailoring.decide, name="tailoring-decide"
    ),
    path("projects/<slug:slug>/process/", tailoring.project_move, name="project-move"),
]
