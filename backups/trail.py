"""What the audit trail's codes are called on a page. An app that stands on this one adds its own in
``ready()``.
"""

from collections.abc import Callable, Collection, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, str | Promise]

_ACTIONS: dict[str, str | Promise] = {
    "account.access": _("What lets an account in"),
    "account.states": _("Accounts that may act as owners or admins"),
    "audit.chain": _("The audit trail itself"),
    "audit.verify": _("Verify the audit trail"),
    "csrf": _("Something sent from elsewhere"),
    "backup.safe": _("Safe Backup"),
    "backup.complete": _("Complete Backup"),
    "backup.see": _("Look at a backup"),
    "backup.cancel": _("Cancel a backup"),
    "backup.download": _("Download"),
    "backup.verify": _("Verify again"),
    "backup.name": _("Name a backup"),
    "backup.pin": _("Pin"),
    "backup.release": _("Release"),
    "backup.delete": _("Delete"),
    "key.rotate": _("Change the key of the installation"),
    "keys.add": _("Add a public key"),
    "keys.give": _("Give a private key to a worker"),
    "keys.remove": _("Remove a public key"),
    "keys.try": _("Try a private key"),
    "kit": _("Recovery kit"),
    "kit.adopt": _("Take another installation's backups for our own"),
    "kit.save": _("Save the recovery kit"),
    "password.again": _("Password again"),
    "sign-in": _("Sign in"),
    "sign-out": _("Sign out"),
    "audit.export": _("Export the audit trail"),
    "page.dashboard": _("Open the dashboard"),
    "page.history": _("Open the history"),
    "page.coverage": _("Open the coverage report"),
    "page.audit": _("Open the audit trail"),
    "page.keys": _("Open the page of the keys"),
}
_OUTCOMES: dict[str, str | Promise] = {
    "accepted": _("accepted"),
    "begun": _("begun"),
    "cancel requested": _("cancelling asked for"),
    "cancelled": _("cancelled"),
    "changed": _("changed"),
    "changed outside": _("changed outside of the application"),
    "discarded": _("thrown away"),
    "done": _("done"),
    "downloaded": _("downloaded"),
    "expired": _("expired"),
    "failed": _("failed"),
    "hashed anew": _("stored in a newer way"),
    "incomplete": _("incomplete"),
    "limited": _("limited"),
    "noted": _("noted"),
    "not whole": _("not whole"),
    "no device": _("no device for a second factor"),
    "looked": _("looked at"),
    "made": _("made"),
    "password wanted": _("password wanted"),
    "received": _("received"),
    "refused": _("refused"),
    "released": _("released"),
    "renewed": _("renewed"),
    "removed": _("removed"),
    "requested": _("asked for"),
    "served": _("served"),
    "shown": _("shown"),
    "succeeded": _("succeeded"),
    "whole": _("whole"),
    "whole, unguarded": _("whole, but unguarded"),
    "wrong": _("wrong"),
}
_DETAILS: dict[str, str | Promise] = {
    "account": _("account"),
    "approval": _("approval"),
    "before": _("before"),
    "bytes": _("bytes"),
    "changed": _("changed"),
    "choices": _("choices"),
    "code": _("code"),
    "count": _("number"),
    "digest": _("digest"),
    "encrypted": _("encrypted"),
    "file": _("file"),
    "fingerprint": _("fingerprint"),
    "form": _("form"),
    "from_byte": _("from byte"),
    "kind": _("kind"),
    "made": _("made"),
    "name": _("name"),
    "network": _("network"),
    "number": _("event"),
    "page": _("page"),
    "path": _("address"),
    "proven": _("proven"),
    "reason": _("reason"),
    "role": _("role"),
    "scope": _("type"),
    "table": _("table"),
    "with_key": _("with a private key"),
}
# Fingerprints that are compared with, and say nothing to a reader of the page; an export has them.
_NOT_SHOWN = frozenset({"states", "states_by", "width"})
# Who is no person.
_NOBODIES: dict[str, str | Promise] = {
    "application": _("the application itself"),
    "command line": _("command line"),
    "outside": _("outside of the application"),
    "sweep": _("cleaning up"),
    "worker": _("a worker"),
}


# Of numbers, the addresses of the pages of those that are here.
Finder = Callable[[Collection[str]], Mapping[str, str]]
_finders: list[Finder] = []


def add_places(finder: Finder) -> None:
    """Let numbers of another app's runs lead to their pages. Idempotent."""
    if finder not in _finders:
        _finders.append(finder)


def places(numbers: Collection[str]) -> dict[str, str]:
    """The addresses of the pages of what has these numbers and is here; one query a kind."""
    found: dict[str, str] = {}
    for finder in _finders:
        found |= finder(numbers)
    return found


def add_actions(words: Words) -> None:
    """Name further actions. Idempotent."""
    _ACTIONS.update(words)


def action(code: str) -> str:
    """An action in words; one that nobody named is its code made readable."""
    return str(_ACTIONS.get(code) or code.replace(".", ": ").capitalize())


def outcome(code: str) -> str:
    """An outcome in words; that of an error is its code."""
    return str(_OUTCOMES.get(code, code))


def detail(name: str) -> str:
    return str(_DETAILS.get(name, name))


def shown_details(details: Mapping[str, object]) -> dict[str, object]:
    """What of an event's details a page shows."""
    return {name: value for name, value in details.items() if name not in _NOT_SHOWN}


def person(name: str) -> str:
    """A person's name, or what stands in its place in words."""
    return str(_NOBODIES.get(name, name))
