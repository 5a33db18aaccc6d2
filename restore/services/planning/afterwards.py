"""What one account is afterwards: its role, whether it may sign in, its password; and what it so loses."""

from backups.registry import Accounts
from restore.database.accounts import FileAccount
from restore.database.rights import Rights
from restore.plan import AccountPlan, Choices, Loss, Lost, Of, PasswordOf
from restore.services.planning.people import counts_all
from restore.services.planning.staging import Prepared


def account_after(
    account: FileAccount,
    declared: Accounts,
    prepared: Prepared,
    choices: Choices,
    rights: Rights | None,
) -> AccountPlan:
    """``rights``: what it has afterwards beside its role; None where it has nothing of the kind."""
    role = role_after(account, declared.fallback_role, prepared, choices)
    privileged = role in declared.privileged
    active = _active(account, declared, prepared, choices)
    password = _password(account, prepared, choices)
    address_now = _address_now(account, prepared, choices)
    appears = _appears(account, declared, rights, role=role, active=active, password=password)
    # Links for a new password go to the address: who reads that mail can act as this account then.
    appears |= bool(address_now) and active and (privileged or rights is not None)
    return AccountPlan(
        email=account.email,
        name=account.name,
        role=role,
        active=active,
        password=password,
        role_now=account.role_now,
        loses=_losses(account, role, prepared, active=active, password=password, rises=privileged),
        privileged=privileged or rights is not None,
        appears=appears,
        address_now=address_now,
        gains=rights.named if rights else (),
        gains_in_all=rights.gains if rights else 0,
        owner=role == declared.owner,
        role_in_file=account.role,
        withheld=account.role in declared.privileged and account.role != role,
        email_kept=_email_kept(account, prepared, choices),
    )


def _losses(
    account: FileAccount,
    role: str,
    prepared: Prepared,
    *,
    active: bool,
    password: PasswordOf,
    rises: bool,
) -> tuple[Loss, ...]:
    """What the account has here, or would have by the file, and does not have afterwards."""
    found = []
    if account.is_there and account.role_now != role and not rises:
        found.append(Loss(Lost.ROLE, Of.NOW, account.role_now))
    if account.is_there and account.active_now and not active:
        found.append(Loss(Lost.APPROVAL, Of.NOW))
    could = account.active_now and account.has_password_now
    if could and active and password is PasswordOf.NONE:
        found.append(Loss(Lost.PASSWORD, Of.NOW))
    if account.role != role:
        found.append(Loss(Lost.ROLE, Of.FILE, account.role))
    if account.active and not active:
        found.append(Loss(Lost.APPROVAL, Of.FILE))
    has_one = prepared.manifest.type == "complete" and account.has_password
    if has_one and password is not PasswordOf.FILE:
        found.append(Loss(Lost.PASSWORD, Of.FILE))
    return tuple(found)


def _appears(
    account: FileAccount,
    declared: Accounts,
    rights: Rights | None,
    *,
    role: str,
    active: bool,
    password: PasswordOf,
) -> bool:
    """Whether somebody is privileged who is not so now, or not in this way; for whatever reason."""
    can_sign_in = active and password is not PasswordOf.NONE
    could = account.active_now and account.has_password_now
    gets_in = (active and not account.active_now) or (can_sign_in and not could)
    if role in declared.privileged and (account.role_now != role or gets_in):
        return True
    if rights is None:
        return False
    # An owner of now could do all of it.
    gains = rights.gains and account.role_now != declared.owner
    return bool(gains or gets_in)


def _active(account: FileAccount, declared: Accounts, prepared: Prepared, choices: Choices) -> bool:
    """Whether the account is one that may sign in. A foreign file's says nothing of that."""
    if role_counts(account, prepared, choices):
        return account.active
    if account.is_there:
        return account.active_now
    is_withheld = any(declared.inactive_value(name) is not None for name in declared.active)
    return account.active and not is_withheld


def role_after(account: FileAccount, fallback: str, prepared: Prepared, choices: Choices) -> str:
    """A foreign file's roles count only where they were granted; others keep theirs or get the least."""
    if role_counts(account, prepared, choices):
        return account.role
    return account.role_now or fallback


def _email_kept(account: FileAccount, prepared: Prepared, choices: Choices) -> str:
    """The address of now, where a foreign file has another for an account that nobody granted anything."""
    if role_counts(account, prepared, choices) or account.email_now in ("", account.email):
        return ""
    return account.email_now


def _address_now(account: FileAccount, prepared: Prepared, choices: Choices) -> str:
    """The address of now, where the account gets another."""
    if _email_kept(account, prepared, choices) or account.email_now == account.email:
        return ""
    return account.email_now


def role_counts(account: FileAccount, prepared: Prepared, choices: Choices) -> bool:
    return counts_all(prepared, choices) or account.email in choices.grant_roles


def _password(account: FileAccount, prepared: Prepared, choices: Choices) -> PasswordOf:
    is_taken = role_counts(account, prepared, choices)
    if prepared.manifest.type == "safe" or not is_taken:
        return PasswordOf.TODAY if account.has_password_now else PasswordOf.NONE
    return PasswordOf.FILE if account.has_password else PasswordOf.NONE
