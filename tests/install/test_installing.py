"""docs/installing.md, followed to the letter: the wheel in a new virtual environment and an empty project."""

import os
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from backupsvc.embedded.scratch import scratch_database
from tests.docs.pages import ROOT, page
from tests.install.project import Project, start, wheel

PAGE = page("installing.md")
ROWS = """
from decimal import Decimal
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from catalogue.models import Brand, Order, Product
brand = Brand.objects.create(name="Aalto")
stool = Product(brand=brand, name="Stool 60", price=Decimal("285.00"))
stool.picture.save("stool.png", ContentFile(b"picture"))
buyer = User.objects.create_user("mia", "mia@example.com", "her password")
Order.objects.create(product=stool, buyer=buyer, access_token="a secret token")
User.objects.create_superuser("boss", "boss@example.com", "boss's password")
"""
DAMAGE = """
from django.contrib.auth.models import User
from catalogue.models import Brand, Order, Product
Order.objects.all().delete()
Product.objects.update(price=1)
User.objects.filter(username="mia").delete()
Brand.objects.create(name="Nobody")
"""
STATE = """
from django.contrib.auth.models import User
from catalogue.models import Brand, Order, Product
print(list(Brand.objects.values_list("name")), list(Product.objects.values_list("name", "price", "picture")))
print(list(User.objects.order_by("pk").values_list("username", "is_superuser", "is_active")))
print(list(Order.objects.values_list("pk", "buyer__username")))
"""
SECRETS = """
from django.contrib.auth.models import User
from catalogue.models import Order
print([user.check_password("her password") for user in User.objects.filter(username="mia")])
print(list(Order.objects.values_list("access_token", flat=True)))
"""
VISIT = """
from django.contrib.auth.models import User
from django.test import Client
owner = Client()
owner.force_login(User.objects.get(username="owner"))
def see(path):
    answer = owner.get(path)
    print(answer.status_code, path, answer.content.decode())
"""


def part(first: int, last: int) -> str:
    """The page's chapters from one number to another."""
    chapters = re.split(r"^## (?=\d+\. )", PAGE, flags=re.MULTILINE)[1:]
    return "\n".join(c for c in chapters if first <= int(c.split(".")[0]) <= last)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project after the page's sixth chapter: rows, and a backup of each kind."""
    folder = tmp_path_factory.mktemp("install")
    # Beside the database under test, which no other test has had to make yet.
    server = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres"))
    with scratch_database(server) as url:
        made = start(folder / "project", url)
        wheel(made.root / "dist")
        made.follow(part(1, 1))
        made.run("python manage.py makemigrations catalogue")
        made.follow(part(2, 5))
        made.shell(ROWS)
        made.follow(part(6, 6))
        yield made


def test_the_wheel_holds_the_two_apps_whole_and_nothing_else(project: Project) -> None:
    (made,) = (project.root / "dist").glob("*.whl")
    held = {name for name in zipfile.ZipFile(made).namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for app in ("backups", "restore")
        for path in (ROOT / app).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert held == there
    for kind in (
        "templates/backups/base.html",
        "static/backups/backups.js",
        "migrations/0001_initial.py",
    ):
        assert f"backups/{kind}" in held


def test_the_environment_has_neither_the_studio_nor_the_tools(project: Project) -> None:
    installed = {path.name for path in project.venv.glob("lib/python*/site-packages/*")}
    assert {"backups", "restore", "django"} <= installed
    assert (
        installed & {"backupsvc", "tests", "templates", "pytest", "waitress", "whitenoise"} == set()
    )


def test_the_project_asks_for_no_migration_of_ours(project: Project) -> None:
    assert "No changes detected" in project.run("python manage.py makemigrations --check --dry-run")


def test_the_checks_have_nothing_against_the_page(project: Project) -> None:
    said = project.run("python manage.py check")
    assert re.findall(r"\((\w+\.[EW]\d+)\)", said) == []


def test_sites_need_no_declaration_and_may_have_one(project: Project) -> None:
    sites = variant(project, "sites", 'INSTALLED_APPS += ["django.contrib.sites"]')
    assert "no issues" in project.run("python manage.py check", **sites)
    declare = (
        "from django.contrib.sites.models import Site; from backups.registry import *;"
        ' exclude(Site, because="one"); print([s.key for s in registry.of_framework])'
    )
    assert project.shell(declare, **sites).strip() == "['contentTypes', 'permissions']"


def test_a_complete_restore_gives_back_what_was_there(project: Project) -> None:
    before = project.shell(STATE + SECRETS)
    project.shell(DAMAGE)
    assert project.shell(STATE + SECRETS) != before
    complete, _safe = re.findall(r"```console\n.*?```", part(7, 7), re.DOTALL)
    assert "Restored: " in project.follow(complete)
    assert project.shell(STATE + SECRETS) == before


def test_a_safe_restore_gives_back_all_but_the_secrets(project: Project) -> None:
    assert b"a secret token" not in (project.root / "safe.json").read_bytes()
    before = project.shell(STATE)
    project.shell(DAMAGE)
    _complete, safe = re.findall(r"```console\n.*?```", part(7, 7), re.DOTALL)
    said = project.follow(safe)
    assert "Restored: " in said
    # Of a flag as a role nobody is told that it is true.
    assert "owner@example.com (owner), signs in afterwards" in said and "(true)" not in said
    assert project.shell(STATE) == before
    checked, tokens = project.shell(SECRETS).split("\n")[:2]
    assert checked == "[False]"
    assert "a secret token" not in tokens
    project.run('python manage.py restore_undo --confirm "REPLACE ALL DATA"')
    project.follow(re.findall(r"```console\n.*?```", part(7, 7), re.DOTALL)[0])


def test_a_foreign_file_lets_nobody_in_who_was_not_granted(project: Project) -> None:
    elsewhere = variant(project, "elsewhere", 'BACKUPS_KEY_FILE = BASE_DIR / "other.key"')
    phrase = '--confirm "REPLACE ALL DATA"'
    apply = f"python manage.py restore_apply complete.json {phrase} --accept-foreign"
    project.shell(
        'from django.contrib.auth.models import User; User.objects.get(username="boss").delete()'
    )
    project.run(f"{apply} --grant-roles owner@example.com", **elsewhere)
    said = project.shell(STATE)
    assert "('owner', True, True)" in said
    assert "('boss', False, False)" in said
    project.run(f"{apply} --grant-roles owner@example.com boss@example.com", **elsewhere)
    assert "('boss', True, True)" in project.shell(STATE)
    project.run("python manage.py restore_release --discard", **elsewhere)


WATCHED = """
from django.contrib.auth.models import Group, Permission, User
from backups.models import AuditEvent
from backups.services import account_states

def told():
    # What was told since the last look, and what the comparison finds.
    fields = ("outcome", "details__changed")
    new = AuditEvent.objects.filter(action="account.access", pk__gt=seen[0]).order_by("pk")
    said = [*new.values_list(*fields)]
    found = account_states.compare()
    seen[0] = AuditEvent.objects.latest("pk").pk
    return said, len(found)

clerk = User.objects.create_user("clerk", password="x")
account_states.note()
seen = [AuditEvent.objects.latest("pk").pk]
group = Group.objects.create(name="keepers")
group.permissions.add(Permission.objects.get(codename="delete_backuprun"))
told()
clerk.groups.add(group)
assert told() == ([("changed", ["user_groups"])], 0)
group.permissions.add(Permission.objects.get(codename="view_auditevent"))
assert told() == ([("changed", ["group_permissions"])], 0)
Group.permissions.through.objects.bulk_create([Group.permissions.through(
    group=group, permission=Permission.objects.get(codename="add_backuprun"))])
assert told() == ([], 1), "past the signals"
User.objects.filter(pk=clerk.pk).update(is_superuser=True)
assert told() == ([], 1)
group.delete()
assert told() == ([("removed", None)], 0)
clerk.delete()
assert told()[1] == 0
print([*AuditEvent.objects.filter(outcome="changed outside").values_list("details__changed", flat=True)])
"""


def test_rights_by_groups_are_watched_and_what_goes_past_django_shows(project: Project) -> None:
    said = project.shell(WATCHED)
    assert said.strip().endswith("[['is_superuser'], ['rights']]"), said
    assert "Whole" in project.run("python manage.py audit_verify")


def test_the_pages_stand_in_the_ordinary_admin(project: Project) -> None:
    said = project.shell(
        VISIT
        + 'see("/admin/"); see("/admin/backups/backuprun/"); see("/admin/restore/restorerun/import/")'
    )
    assert re.findall(r"^(\d+) (/\S+)", said, re.MULTILINE) == [
        ("200", "/admin/"),
        ("200", "/admin/backups/backuprun/"),
        ("200", "/admin/restore/restorerun/import/"),
    ]
    assert 'href="/admin/backups/backuprun/"' in said.split("200 /admin/backups/")[0]
    assert "Could you restore today?" in said
    assert "Nobody is there to do the work" in said


def test_a_backup_started_on_the_page_is_made_by_the_worker(project: Project) -> None:
    project.shell(VISIT + 'print(owner.post("/admin/backups/backuprun/start/safe/").status_code)')
    project.run("python manage.py backup_worker --burst")
    newest = "from backups.models import BackupRun; print(BackupRun.objects.first().state)"
    assert project.shell(newest).strip() == "succeeded"
    assert "Proven: " in project.run("python manage.py backup_rehearse")


def variant(project: Project, name: str, source: str) -> dict[str, str]:
    """Other settings for the same project."""
    text = f"from shop.settings import *\n{source}\n"
    (project.root / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    return {"DJANGO_SETTINGS_MODULE": f"shop.{name}"}


def test_without_a_queue_commands_work_and_the_rest_is_said(project: Project) -> None:
    bare = variant(project, "bare", "del RQ_QUEUES")
    assert "backups.W003" in project.run("python manage.py check", **bare)
    project.run("python manage.py backup_create --scope safe", **bare)
    project.run("python manage.py restore_plan complete.json", **bare)
    project.run('python manage.py restore_apply complete.json --confirm "REPLACE ALL DATA"', **bare)
    refused = project.ended("python manage.py backup_create --scope safe --enqueue", **bare)
    assert refused.returncode == 1
    assert "worker.no_queue" in refused.stderr
    assert project.ended("python manage.py backup_worker", **bare).returncode == 1
    start_it = (
        'print(owner.post("/admin/backups/backuprun/start/safe/", follow=True).content.decode())'
    )
    said = project.shell(VISIT + 'see("/admin/backups/backuprun/")\n' + start_it, **bare)
    assert said.count("no queue") >= 2


def test_a_queue_of_another_form_is_named_and_works(project: Project) -> None:
    pickled = variant(project, "pickled", 'del RQ_QUEUES["backups"]["SERIALIZER"]')
    assert "backups.W004" in project.run("python manage.py check", **pickled)
    project.shell(VISIT + 'owner.post("/admin/backups/backuprun/start/safe/")', **pickled)
    project.run("python manage.py backup_worker --burst", **pickled)
    newest = "from backups.models import BackupRun; print(BackupRun.objects.first().state)"
    assert project.shell(newest).strip() == "succeeded"


def test_folders_that_a_web_server_hands_out_are_refused(project: Project) -> None:
    served = variant(project, "served", 'BACKUPS_ROOT = MEDIA_ROOT / "backups"')
    ended = project.ended("python manage.py check", **served)
    assert ended.returncode == 1
    assert "backups.E017" in ended.stderr


SITES = """
from django.contrib import admin
from django.urls import path
office = admin.AdminSite(name="office")
{registered}
urlpatterns = [path("office/", office.urls)]
"""


def test_a_site_of_its_own_is_named_or_shows_the_pages(project: Project) -> None:
    urls = project.root / "shop" / "office_urls.py"
    office = variant(project, "office", 'ROOT_URLCONF = "shop.office_urls"')
    urls.write_text(SITES.format(registered=""), encoding="utf-8")
    assert "backups.W005" in project.run("python manage.py check", **office)
    registered = (
        "from backups.admin import BackupRunAdmin\nfrom backups.models import BackupRun\n"
        "from restore.admin import RestoreRunAdmin\nfrom restore.models import RestoreRun\n"
        "office.register(BackupRun, BackupRunAdmin)\noffice.register(RestoreRun, RestoreRunAdmin)"
    )
    urls.write_text(SITES.format(registered=registered), encoding="utf-8")
    assert "backups.W005" not in project.run("python manage.py check", **office)
    said = project.shell(VISIT + 'see("/office/backups/backuprun/")', **office)
    assert said.startswith("200 ")
    assert 'href="/office/"' in said
    anybody = (
        "from django.test import Client; print(Client().get('/office/backups/backuprun/').url)"
    )
    assert project.shell(anybody, **office).startswith("/office/login/")


def test_settings_that_leave_people_or_mail_alone_are_named(project: Project) -> None:
    source = (
        'MIDDLEWARE.remove("restore.middleware.MaintenanceMiddleware")\n'
        'EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"'
    )
    said = project.run("python manage.py check", **variant(project, "silent", source))
    assert "restore.W001" in said
    assert "restore.W003" in said
    late = 'MIDDLEWARE.append(MIDDLEWARE.pop(MIDDLEWARE.index("restore.middleware.MaintenanceMiddleware")))'
    assert "restore.W002" in project.run("python manage.py check", **variant(project, "late", late))


def test_the_migration_of_a_new_database_is_django_s_own(project: Project) -> None:
    finder = "from django.core.management import get_commands; print(get_commands()['migrate'])"
    assert project.shell(finder).strip() == "django.core"


def test_the_page_names_only_files_of_the_example() -> None:
    named = set(re.findall(r"^```python (\S+)$", PAGE, re.MULTILINE))
    assert named == {"shop/settings.py", "catalogue/sections.py"}
