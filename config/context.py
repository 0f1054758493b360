"""What every page's template may use without its view saying so."""

from typing import Any

from django.http import HttpRequest

import config


def product(request: HttpRequest) -> dict[str, Any]:
    """`product.name` and `product.version`, for the page's head and foot. No SQL query."""
    return {"product": {"name": "Gatebook", "version": config.__version__}}
