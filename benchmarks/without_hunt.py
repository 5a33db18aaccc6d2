"""A Safe backup as ``manage.py backup_create --scope safe`` makes it, but without looking for secrets: what
that costs is the difference.

Run as a program: ``python -m benchmarks.without_hunt``. There is no setting for it: a Safe file is always
searched.
"""

import sys


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    from backups.services import composing

    # Raises AttributeError where it has gone, so that nothing is compared with itself.
    assert callable(composing.Composition._look_for_secrets)  # noqa: S101
    composing.Composition._look_for_secrets = lambda self, view: None  # type: ignore[method-assign]
    call_command("backup_create", "--scope", "safe", stdout=sys.stdout)


if __name__ == "__main__":
    main()
