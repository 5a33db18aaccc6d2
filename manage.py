#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

# Whatever else is asked for gets a database: the private pair, unless addresses are set.
_NEED_NO_DATABASE = {
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "startapp",
    "version",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backupsvc.settings")
    if needs_database(sys.argv[1:]):
        from backupsvc import embedded, environment

        environment.point_at_noted_demo_files()
        try:
            embedded.ensure()
        except embedded.EmbeddedError as error:
            sys.exit(error.for_people())
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def needs_database(arguments: list[str]) -> bool:
    if not arguments or {"-h", "--help", "--version"} & set(arguments):
        return False
    command = arguments[0]
    if command == "check":
        # Django's own rule: only the checks of a named database connect to it.
        return any(argument.startswith("--database") for argument in arguments)
    return command not in _NEED_NO_DATABASE


if __name__ == "__main__":
    main()
