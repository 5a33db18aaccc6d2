from django.apps import AppConfig


class ZooConfig(AppConfig):
    name = "tests.zoo"
    label = "zoo"
    verbose_name = "Zoo"

    def ready(self) -> None:
        from tests.faults import brake

        brake.install()
