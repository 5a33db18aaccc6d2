"""The examples in deploy/: what cron is told to do are commands that are there, in a shell's words."""

import re
import subprocess

from django.core.management import load_command_class

from tests.docs.pages import ROOT

LINE = re.compile(r"(?:[\d*]+ ){5} *\w+  (?P<told>.+ manage\.py (?P<name>\w+)(?P<given>[^>]*)>.*)")


def test_what_cron_is_told_is_a_command_as_it_must_be_typed():
    lines = (ROOT / "deploy" / "backupsvc.cron").read_text().splitlines()
    jobs = [line for line in lines if line and not re.match(r"#|[A-Z]+=", line)]
    names = []
    for job in jobs:
        found = LINE.fullmatch(job)
        assert found, job
        # A percent sign ends a command of cron's.
        assert "%" not in job
        subprocess.run(["/bin/sh", "-n", "-c", found["told"]], check=True)
        parser = load_command_class("backups", found["name"]).create_parser(
            "manage.py", found["name"]
        )
        parser.parse_args(found["given"].split())
        names.append(found["name"] + found["given"].rstrip())
    assert "audit_verify --alarm" in names
