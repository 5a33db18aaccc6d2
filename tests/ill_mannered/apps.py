from django.apps import AppConfig


class IllManneredConfig(AppConfig):
    name = "tests.ill_mannered"
    label = "ill_mannered"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_save

        from tests.ill_mannered import harm

        harm.look()
        pre_save.connect(harm.tell_everybody)
        post_migrate.connect(harm.make_an_organization)
