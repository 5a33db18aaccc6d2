"""The list of static files, made once in a run and not by each browser of each test.

Every test client loads the middlewares anew, and WhiteNoise then goes through all files that there are, which
takes as long as several pages. A server loads them once.
"""

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware

_found: dict[tuple[object, ...], dict[str, object]] = {}
_look = WhiteNoiseMiddleware.add_files_from_finders


def teach_whitenoise() -> None:
    """From here on files are looked for where nobody has looked under the same settings."""

    def look_once(middleware: WhiteNoiseMiddleware) -> None:
        asked = (
            *(middleware.static_prefix, middleware.max_age, middleware.charset),
            *(tuple(settings.INSTALLED_APPS), tuple(settings.STATICFILES_FINDERS)),
            tuple(map(str, settings.STATICFILES_DIRS)),
        )
        if asked not in _found:
            before = dict(middleware.files)
            _look(middleware)
            _found[asked] = {k: v for k, v in middleware.files.items() if k not in before}
        middleware.files.update(_found[asked])

    WhiteNoiseMiddleware.add_files_from_finders = look_once
