"""A second factor beside the password, where the project has django-otp: a token of the account's device.

Nothing of django-otp is imported unless ``django_otp`` is among ``INSTALLED_APPS``. Devices that would first
have to send something (by mail, say) are not asked: what they send would come too late for the form.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import transaction

from backups import conf


def is_there() -> bool:
    """Whether the project has django-otp."""
    return apps.is_installed("django_otp")


def has_device(user: Any) -> bool:
    """Whether the account has a confirmed device that tells a token by itself."""
    return any(True for _device in _devices(user))


def is_asked_of(user: Any) -> bool:
    """Whether this account's password is not enough; an account may still lack the device, see ``lacks``."""
    return conf.second_factor_required() or has_device(user)


def lacks_device(user: Any) -> bool:
    """Whether a second factor is obligatory and the account has none: then nothing is accepted of it."""
    return conf.second_factor_required() and not has_device(user)


def accepts(user: Any, token: str) -> bool:
    """Whether one of the account's devices takes the token, which is used up by that.

    Call it inside of a transaction that outlives a refusal: devices count wrong tokens, and wait longer each
    time (https://django-otp-official.readthedocs.io, Throttling).
    """
    token = token.replace(" ", "")
    if not token:
        return False
    with transaction.atomic():
        refused: list[Any] = []
        for device in _devices(user, for_verify=True):
            if device.verify_token(token):
                _forgive(refused)
                return True
            refused.append(device)
    return False


def _forgive(devices: list[Any]) -> None:
    """A token of one device is no wrong token of another."""
    for device in devices:
        reset = getattr(device, "throttle_reset", None)
        if reset is not None:
            reset()


def _devices(user: Any, *, for_verify: bool = False) -> Iterator[Any]:
    if not is_there():
        return
    from django_otp import devices_for_user  # the project's choice, as it says itself

    for device in devices_for_user(user, for_verify=for_verify):
        if not device.is_interactive():
            yield device
