"""The WSGI entry point, which `./gatebook serve` gives to gunicorn."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.bodies import WholeBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = WholeBodies(get_wsgi_application(), most=settings.GATEBOOK_INTAKE_BYTES)
