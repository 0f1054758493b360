#!/usr/bin/env python3
"""Run a management command: `./gatebook manage …`, or this file with the project's own Python."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Point Django at the settings, unless the caller chose others, and hand the arguments over."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
