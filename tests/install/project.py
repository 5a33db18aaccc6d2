"""An empty project beside ours: a new virtual environment, the wheel, and a page followed to the letter."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backupsvc.environment import database_from_url
from tests.docs.pages import ROOT

BLOCK = re.compile(r"^```(python|console) ?(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What a program needs of ours to run at all; nothing that would name our settings or folders.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

MODELS = """
from django.conf import settings
from django.db import models


class Brand(models.Model):
    name = models.CharField(max_length=80, unique=True)


class Product(models.Model):
    brand = models.ForeignKey(Brand, models.CASCADE)
    name = models.CharField(max_length=80)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    picture = models.FileField(upload_to="pictures", blank=True)


class Order(models.Model):
    product = models.ForeignKey(Product, models.PROTECT)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    placed_at = models.DateTimeField(auto_now_add=True)
    access_token = models.CharField(max_length=64, unique=True)
"""
SETTINGS = """
INSTALLED_APPS += ["catalogue"]
ALLOWED_HOSTS = ["testserver"]
DATABASES = {{"default": {database!r}}}
MEDIA_ROOT = BASE_DIR / "media"
STORAGES = {{
    "default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}
"""


@dataclass(frozen=True)
class Project:
    """``root`` is the folder with ``manage.py``; commands run in the new environment alone."""

    root: Path
    venv: Path

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    def run(self, line: str, **settings: str) -> str:
        """What a command says; its failure fails the test with all that it said."""
        ended = self.ended(line, **settings)
        assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout + ended.stderr

    def ended(self, line: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        words = shlex.split(line)
        if words[:4] == ["python", "-m", "pip", "install"]:
            words = [*installer(self.python), *words[4:]]
        elif words[0] == "python":
            words[0] = str(self.python)
        return subprocess.run(
            words,
            cwd=self.root,
            env=environment(**settings),
            capture_output=True,
            text=True,
            check=False,
        )

    def shell(self, source: str, **settings: str) -> str:
        """What a program says that knows the project's models."""
        return self.run("python manage.py shell -v 0 -c " + shlex.quote(source), **settings)

    def follow(self, page: str) -> str:
        """Do what a part of the page says: write its files, run its commands. Returns what they said."""
        said = []
        for language, name, text in BLOCK.findall(page):
            if language == "python":
                with (self.root / name).open("a", encoding="utf-8") as file:
                    file.write("\n" + text)
            else:
                lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
                said += [self.run(line) for line in lines]
        return "\n".join(said)


def environment(**settings: str) -> dict[str, str]:
    kept = {
        name: os.environ[name]
        for name in os.environ
        if name in KEPT or name.startswith(("PIP_", "UV_"))
    }
    given = {"REDIS_URL": os.environ["REDIS_URL"], "DJANGO_SUPERUSER_PASSWORD": "correct horse"}
    return kept | given | settings


def installer(python: Path) -> list[str]:
    """uv where there is one, as it needs a tenth of the time; else pip."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.prefix) / "uv" / "bin"))
    if uv is None:
        subprocess.run([python, "-m", "ensurepip"], check=True, capture_output=True)
        return [str(python), "-m", "pip", "install"]
    return [uv, "pip", "install", "--python", str(python)]


def wheel(folder: Path) -> Path:
    """Our wheel, built as whoever publishes it would."""
    options = ["--wheel", "--no-isolation", "--outdir"]
    build = [sys.executable, "-m", "build", *options, str(folder), str(ROOT)]
    ended = subprocess.run(build, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (made,) = folder.glob("*.whl")
    return made


def start(root: Path, database_url: str) -> Project:
    """A project as ``startproject`` makes it, with an app of three models, on a database of its own."""
    project = Project(root, root.parent / "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project.venv], check=True)
    root.mkdir()
    admin = [sys.executable, "-m", "django"]
    for words in (["startproject", "shop", "."], ["startapp", "catalogue"]):
        subprocess.run([*admin, *words], cwd=root, check=True, env=environment())
    (root / "catalogue" / "models.py").write_text(MODELS, encoding="utf-8")
    with (root / "shop" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(database=database_from_url(database_url)))
    return project
