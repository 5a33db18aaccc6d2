"""Makes the golden artifacts of a new format: ``python -m tests.formats.make``.

With a label and scopes, those of a studio that declares its tables otherwise than before, in the format of
before: ``python -m tests.formats.make 44-tables safe``.
Those of a released format are never made again: that they still restore is what they are there for.
"""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django

FOLDER = Path(__file__).parent


def main() -> None:
    from tests.isolation import isolate

    isolate()
    os.environ["DJANGO_SETTINGS_MODULE"] = "backupsvc.settings"
    django.setup()
    from django.db import connection

    from backups.artifact.manifest import FORMAT
    from backups.registry import Scope

    label, *scopes = sys.argv[1:] or [""]
    targets = {
        s: FOLDER / f"{'-'.join(filter(None, [FORMAT.replace('/', '-'), s.value, label]))}.json.zst"
        for s in map(Scope, scopes or Scope)
    }
    there = [path.name for path in targets.values() if path.exists()]
    if there:
        sys.exit(f"Format {FORMAT} has its artifacts: {', '.join(there)}. They stay as they are.")
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        _make(targets)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _make(targets: dict) -> None:
    from django.conf import settings

    from backups.models import State
    from backupsvc.studio.demo import fileserver
    from tests.battery.small import seed_small_studio
    from tests.roundtrip.engine import back_up, stored

    server = fileserver.serve()
    settings.STUDIO_DEMO_FILES_URL = server.address
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = [urlsplit(server.address).netloc]
    seed_small_studio()
    for scope, path in targets.items():
        run = back_up(scope)
        if run.state != State.SUCCEEDED:
            sys.exit(f"The {scope.value} backup ended as {run.state}.")
        shutil.copy(stored(run), path)
    server.shutdown()


if __name__ == "__main__":
    main()
