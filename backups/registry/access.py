"""Which tables let people in, or say what they may do: of the files of others they come only when asked for.

A project says it of its own tables (``lets_in=``, ``secret=``, ``Accounts.memberships``); of those that
Django and well-known apps bring it is known here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import Field, ManyToManyField, Model

from backups.registry.registry import Registry
from backups.registry.sections import Section

GROUP, PERMISSION = "auth.Group", "auth.Permission"
# Flags of Django's own accounts that give power wherever a model has them.
FLAGS = ("is_superuser", "is_staff")

# Sessions, linked logins, second factors, tokens and codes of apps that many projects have, and rights on
# single objects; tasks that run by themselves, mail that is sent so, and values that are unpickled, of
# others; and the domain to which links in mails lead.
KNOWN = frozenset(
    {
        *("account.emailaddress", "account.emailconfirmation", "authtoken.token"),
        *("allauth_idp_oidc.client", "allauth_idp_oidc.token", "oauth2_provider.devicegrant"),
        *("guardian.groupobjectpermission", "guardian.userobjectpermission"),
        *("registration.registrationprofile", "refresh_token.refreshtoken", "tastypie.apikey"),
        *("phonenumber.phonedevice", "django_otp.device", "nopassword.logincode"),
        *("wagtailcore.groupcollectionpermission", "wagtailcore.grouppagepermission"),
        *("django_tasks_database.dbtaskresult", "mailer.message", "post_office.email"),
        *("knox.authtoken", "magic_link.magiclink", "mfa.authenticator", "mfa.user_keys"),
        *("invitations.invitation", "oauth2_provider.accesstoken", "oauth2_provider.application"),
        *("oauth2_provider.grant", "oauth2_provider.idtoken", "oauth2_provider.refreshtoken"),
        *("oidc_provider.client", "oidc_provider.code", "oidc_provider.token"),
        *("otp_email.emaildevice", "otp_hotp.hotpdevice", "otp_static.staticdevice"),
        *("otp_static.statictoken", "otp_totp.totpdevice", "otp_webauthn.webauthncredential"),
        *("otp_yubikey.remoteyubikeydevice", "otp_yubikey.yubikeydevice"),
        *("passkeys.userpasskey", "rest_framework_api_key.apikey", "usersessions.usersession"),
        *("social_django.association", "social_django.code", "social_django.nonce"),
        *("social_django.partial", "social_django.usersocialauth", "socialaccount.socialaccount"),
        *("socialaccount.socialapp", "socialaccount.socialtoken", "user_sessions.session"),
        *("token_blacklist.blacklistedtoken", "token_blacklist.outstandingtoken"),
        *("two_factor.phonedevice", "django_rest_passwordreset.resetpasswordtoken"),
        *("drfpasswordless.callbacktoken", "sites.site"),
        *("background_task.task", "django_celery_beat.periodictask", "django_q.ormq"),
        *("django_q.schedule", "django_q.task", "django_apscheduler.djangojob"),
        *("django_celery_results.taskresult", "constance.constance", "database.constance"),
        *("django_celery_results.groupresult", "procrastinate.procrastinatejob"),
    }
)

_OF_BASES = re.compile("^(Abstract|Base)|(Abstract|Base)$")


@dataclass(frozen=True)
class Membership:
    """One way in which accounts get rights: rows of ``table`` link an account to a row of ``target``, which
    is a permission itself, or leads to permissions by the many-to-many fields ``onwards``."""

    field: ManyToManyField
    onwards: tuple[ManyToManyField, ...]

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def table(self) -> str:
        return self.field.m2m_db_table()

    @property
    def target(self) -> type[Model]:
        target: type[Model] = self.field.related_model
        return target

    @property
    def is_of_permissions(self) -> bool:
        return self.target._meta.label == PERMISSION


def lets_in(section: Section) -> bool:
    """Whether a row of this table alone can let somebody in."""
    if section.lets_in is not None:
        return section.lets_in
    if section.accounts:
        return False
    return (
        issubclass(section.model, AbstractBaseSession)
        or not KNOWN.isdisjoint(_labels(section.model))
        or bool(section.secret and not section.in_safe)
    )


def _labels(model: type[Model]) -> Iterator[str]:
    """What the model is called, and the abstract ones of apps that it is made of: a project may swap a
    model of such an app for its own, as ``oauth2_provider.models.AbstractApplication`` is there for."""
    yield model._meta.label_lower
    for base in model.__mro__[1:]:
        if issubclass(base, Model) and base is not Model:
            app = base.__module__.partition(".")[0]
            yield f"{app}.{_OF_BASES.sub('', base.__name__)}".lower()


def access_tables(declared: Registry) -> frozenset[str]:
    """The tables of which rows let people in or give them rights."""
    sections = declared.sections
    found = {section.table for section in sections if lets_in(section)}
    for section in sections:
        if lets_in(section):
            # Links that lead from there belong to these rows.
            through = [many.remote_field.through for many in section.model._meta.local_many_to_many]
            found |= {m._meta.db_table for m in through if m is not None and m._meta.auto_created}
        for membership in memberships(section):
            found.add(membership.table)
            found |= {onward.m2m_db_table() for onward in membership.onwards}
    return frozenset(found)


def memberships(section: Section) -> tuple[Membership, ...]:
    """By what accounts of this section get rights: what is declared, and links to Django's own groups and
    permissions in any case."""
    if section.accounts is None:
        return ()
    return tuple(
        Membership(field, tuple(_to_permissions(field.related_model)))
        for field in section.model._meta.many_to_many
        if isinstance(field, ManyToManyField)
        and (field.name in section.accounts.memberships or _label_of(field) in (GROUP, PERMISSION))
    )


def flags(section: Section) -> tuple[str, ...]:
    """The fields of accounts that give power where they are true; the role is told apart from them."""
    if section.accounts is None:
        return ()
    of_django = (
        n for n in FLAGS if n in {f.name for f in section.model._meta.local_concrete_fields}
    )
    named = dict.fromkeys((*section.accounts.flags, *of_django))
    return tuple(name for name in named if name != section.accounts.role)


def opening_fields(section: Section) -> tuple[str, ...]:
    """The fields of a table in both scopes whose values open something: those called secret, and those for
    which a Safe restore makes up a value of its own. An account's password has rules of its own."""
    if section.accounts:
        return ()
    made_up = (name for name, omit in section.redact.items() if not omit.rule.is_null)
    named = dict.fromkeys([*section.secret, *made_up])
    return tuple(name for name in named if name in section.redact)


def natural_key(section: Section) -> tuple[str, ...]:
    """The fields that say which row is meant in any database; of Django's groups that is known."""
    if section.natural_key or section.model._meta.label != GROUP:
        return section.natural_key
    return ("name",)


def _to_permissions(model: object) -> Iterator[ManyToManyField]:
    fields: tuple[Field, ...] = model._meta.many_to_many  # type: ignore[attr-defined]
    for field in fields:
        if isinstance(field, ManyToManyField) and _label_of(field) == PERMISSION:
            yield field


def _label_of(field: ManyToManyField) -> str:
    return str(field.related_model._meta.label)
