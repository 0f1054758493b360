"""Addresses of the pages of this app."""

from django.contrib.auth import views as auth
from django.urls import URLPattern, URLResolver, path, reverse_lazy

from lifecycle.views import design

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
]
