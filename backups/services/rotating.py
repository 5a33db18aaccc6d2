"""Another key of the installation in place of the one of today: for when that may be in wrong hands, or has
served long enough.

Backups are signed with the new one from then on. The former ones stay beside it and go on proving what was
made here before; only who deletes them takes that away. The key of the safety backups is changed with it: a
recovery kit holds both.
"""

from backups.services import auditing, installation, keyring
from backups.services.auditing import Actor


def rotate(actor: Actor, *, of: str = "") -> tuple[str, str]:
    """Make a new key; ``of``: only while this is the installation's name. Returns the names before and after.

    Raises StorageFailure, ConfigurationError.
    """
    before, after = installation.rotate(of=of)
    keyring.rotate_safety_key()
    auditing.audit(actor, "key.rotate", "done", subject=after, before=before)
    return before, after
