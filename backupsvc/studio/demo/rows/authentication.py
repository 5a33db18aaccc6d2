"""What signs people in."""

from backupsvc.studio.demo.layout import org_of_stage
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Account,
    PasswordResetToken,
    PhaseAccessToken,
    Session,
    Stage,
    User,
    UserSession,
    VerificationToken,
)


def account(src: Source, n: int) -> Account:
    return Account(
        id=src.own(n),
        user_id=src.id(User, n),
        type="oauth",
        provider=src.choice(["google", "dropbox"]),
        provider_account_id=str(10**20 + n),
        refresh_token=src.maybe(src.token(n, "refresh")),
        access_token=src.maybe(src.token(n, "access"), 0.8),
        expires_at=src.maybe(src.number(1_700_000_000, 1_800_000_000)),
        token_type=src.maybe("Bearer"),
        scope=src.maybe("openid email profile"),
        id_token=src.maybe(f"{src.token(n, 'head')}.{src.token(n, 'body')}"),
        session_state=src.maybe(src.token(n, "state"), 0.3),
    )


def session(src: Source, n: int) -> Session:
    return Session(
        id=src.own(n), session_token=src.token(n), user_id=src.any(User), expires=src.ahead(30)
    )


def verification_token(src: Source, n: int) -> VerificationToken:
    return VerificationToken(
        identifier=f"person-{n}@studio.example", token=src.token(n), expires=src.ahead(2)
    )


def password_reset_token(src: Source, n: int) -> PasswordResetToken:
    return PasswordResetToken(
        id=src.own(n),
        email=f"person-{n}@studio.example",
        token=src.token(n),
        expires=src.ahead(2),
        created_at=src.moment(30),
        used=src.chance(0.6),
    )


def user_session(src: Source, n: int) -> UserSession:
    created = src.moment()
    return UserSession(
        id=src.own(n),
        user_id=src.any(User),
        device_id=f"device-{n}",
        ip_address=src.maybe(src.ip_address(), 0.9),
        user_agent=src.maybe(src.user_agent(), 0.9),
        last_seen=src.later(created),
        is_active=src.chance(0.7),
        created_at=created,
    )


def phase_access_token(src: Source, n: int) -> PhaseAccessToken:
    visits = src.number(0, 10)
    return PhaseAccessToken(
        id=src.own(n),
        stage_id=src.id(Stage, n),
        token=src.token(n),
        name=src.maybe("For the draughtsman"),
        active=src.chance(0.8),
        expires_at=src.maybe(src.ahead()),
        created_by_id=src.member(org_of_stage(n)),
        last_accessed_at=src.moment() if visits else None,
        access_count=visits,
        last_accessed_ip=src.ip_address() if visits else None,
        **src.stamps(),
    )
