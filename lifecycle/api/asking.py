"""Who asks."""

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from lifecycle.models import User


def person_asking(request: Request) -> User:
    """The person behind a request; raises NotAuthenticated for anybody else."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
