"""The public keys that backups are encrypted to. Each change is written down.

A key whose private half nobody has would make backups that nobody opens, so it is taken only from who shows
that it is there (``challenge``), or says so in as many words.
"""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from backups.artifact import age_keys
from backups.artifact.age_keys import Identity
from backups.errors import ConfigurationError
from backups.models import LONGEST_KEY_NAME, Recipient
from backups.services import auditing, recovery_kit
from backups.services.auditing import Actor
from backups.wording import Sentence, _

MOST = 20


def add(text: str, name: str, actor: Actor, *, proven: bool, promised: bool = False) -> Recipient:
    """Encrypt to this public key from now on. ``proven``: its holder has shown that the private key is
    there; ``promised``: somebody says so.

    Raises:
        ArtifactError: as ``age_keys.recipient_of``.
        ConfigurationError: ``key.unproven``, ``key.known``, ``key.name``, ``key.many``.
    """
    public = age_keys.recipient_of(text)
    named = " ".join(name.split())
    if not named or len(named) > LONGEST_KEY_NAME:
        raise _refused(
            "key.name",
            _("A key needs a name of at most {most} characters.", most=LONGEST_KEY_NAME),
            _("Say where the private key is kept: it is shown beside each backup."),
        )
    if not (proven or promised):
        raise _refused(
            "key.unproven",
            _("Nobody has shown that the private key is there. The key was not added."),
            _("Give the answer that only the private key finds, or confirm that you have it."),
        )
    if Recipient.objects.count() >= MOST:
        raise _refused(
            "key.many",
            _("There are {most} keys already.", most=MOST),
            _("Remove one that is not used any more."),
        )
    try:
        with transaction.atomic():
            made = Recipient.objects.create(
                public_key=public,
                name=named,
                proven=proven,
                added_by=actor.name or actor.email,
            )
            auditing.audit(actor, "keys.add", "done", subject=made.pk, **_facts(made))
    except IntegrityError:
        raise _refused(
            "key.known",
            _("This public key is there already."),
            _("Each backup is encrypted to it; nothing is to be done."),
        ) from None
    return made


def remove(key: Recipient, actor: Actor) -> None:
    """Encrypt to it no more. What was encrypted to it stays so."""
    with transaction.atomic():
        auditing.audit(actor, "keys.remove", "done", subject=key.pk, **_facts(key))
        key.delete()


def listed() -> list[Recipient]:
    return list(Recipient.objects.all())


def _facts(key: Recipient) -> dict[str, object]:
    return {
        "name": key.name,
        "fingerprint": age_keys.fingerprint(key.public_key),
        "proven": key.proven,
    }


# Whether the private key is there


def challenge(public_key: str) -> str:
    """A message that the private key opens: what it says is the answer."""
    told = _("The answer is: {answer}", answer=_answer(public_key))
    return age_keys.sealed(f"{told}\n".encode(), public_key)


def is_answer(public_key: str, typed: str) -> bool:
    """Whether somebody has opened the challenge. The whole message is taken too."""
    letters = recovery_kit.plain_letters(typed.rpartition(":")[2])
    return constant_time_compare(letters, recovery_kit.plain_letters(_answer(public_key)))


def _answer(public_key: str) -> str:
    digest = salted_hmac("challenge of a public key", public_key, algorithm="sha256").digest()
    letters = "".join(recovery_kit.ALPHABET[byte & 31] for byte in digest[:12])
    return "-".join(letters[at : at + 4] for at in range(0, 12, 4))


def is_there(public_key: str, identities: Sequence[Identity]) -> bool:
    """Whether one of these is the private key of it."""
    return any(identity.recipient == public_key for identity in identities)


def _refused(code: str, message: Sentence, hint: Sentence) -> ConfigurationError:
    return ConfigurationError(code, message, hint=hint)
