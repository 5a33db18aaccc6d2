"""Every table of the zoo, in Complete backups alone."""

from django.apps import apps

from backups.registry import COMPLETE, section

for _model in apps.get_app_config("zoo").get_models(include_auto_created=True):
    if not _model._meta.proxy:
        section(_model, key=f"zoo.{_model.__name__}", group="Zoo", scopes={COMPLETE})
