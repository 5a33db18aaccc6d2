"""Every table of the zoo, in Complete backups alone."""

from typing import Any

from django.apps import apps

from backups.registry import COMPLETE, Address, FileLocator, JsonAddress, StoragePath, section
from tests.zoo.models import Album, Sticker

FILES: dict[Any, list[FileLocator]] = {
    Album: [
        Address("cover", unless={"kind": "LINK"}),
        StoragePath("drawing"),
        Address("pages"),
        JsonAddress("attached", path="$[*].url"),
        JsonAddress("layout", path='$."the cover"'),
    ]
}

for _model in apps.get_app_config("zoo").get_models(include_auto_created=True):
    if not _model._meta.proxy:
        section(
            _model,
            key=f"zoo.{_model.__name__}",
            group="Zoo",
            scopes={COMPLETE},
            files=FILES.get(_model, ()),
            content_types="kind" if _model is Sticker else "",
        )
