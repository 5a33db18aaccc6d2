"""Organisations, accounts, clients, contractors."""

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import CLIENTS_PER_ORG, CONTRACTORS_PER_ORG, USERS_PER_ORG
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import Client, Contractor, Organization, User

Role, Approval = User.Role, User.ApprovalStatus

# The first accounts of the first organisation: those that the command names.
DEMO_ACCOUNTS = [
    ("owner@studio.example", Role.OWNER),
    ("admin@studio.example", Role.ADMIN),
    ("designer@studio.example", Role.DESIGNER),
]
OTHER_ROLES = [Role.RENDERER, Role.DRAFTER, Role.FFE, Role.VIEWER, Role.DESIGNER]


def organization(src: Source, n: int) -> Organization:
    return Organization(
        id=src.own(n),
        name=texts.STUDIO_NAMES[n % len(texts.STUDIO_NAMES)],
        slug=f"studio-{n}",
        **src.stamps(),
    )


def user(src: Source, n: int) -> User:
    email, role = _address_and_role(n)
    approval = _approval(n)
    approved = approval == Approval.APPROVED
    # Every eighth account has never had a password; every other organisation lost one member.
    has_password = n % USERS_PER_ORG != USERS_PER_ORG - 1
    has_org = n % (2 * USERS_PER_ORG) != 2 * USERS_PER_ORG - 1
    return User(
        id=src.own(n),
        name=src.maybe(texts.person(n), 0.9),
        email=email,
        email_verified=src.maybe(src.moment(), 0.8),
        image=src.maybe(src.picture()),
        password=src.password if has_password else None,
        role=role,
        org_id=src.id(Organization, n // USERS_PER_ORG) if has_org else None,
        phone_number=src.maybe(src.phone(n)),
        email_notifications_enabled=src.chance(0.8),
        sms_notifications_enabled=src.chance(0.3),
        must_change_password=n > len(DEMO_ACCOUNTS) and src.chance(0.1),
        approval_status=approval,
        approved_at=src.moment() if approved else None,
        approved_by=src.id(User, 0) if approved else None,
        **src.stamps(),
    )


def _address_and_role(n: int) -> tuple[str, str]:
    if n < len(DEMO_ACCOUNTS):
        return DEMO_ACCOUNTS[n]
    return f"person-{n}@studio.example", OTHER_ROLES[n % len(OTHER_ROLES)]


def _approval(n: int) -> str:
    if n < len(DEMO_ACCOUNTS):
        return Approval.APPROVED
    return {5: Approval.PENDING, 6: Approval.REJECTED}.get(n % USERS_PER_ORG, Approval.APPROVED)


def client(src: Source, n: int) -> Client:
    return Client(
        id=src.own(n),
        name=texts.person(n + 3),
        email=f"client-{n}@client.example",
        phone=src.maybe(src.phone(n)),
        org_id=src.id(Organization, n // CLIENTS_PER_ORG),
        company=src.maybe(src.choice(texts.FIRMS), 0.3),
        **src.stamps(),
    )


def contractor(src: Source, n: int) -> Contractor:
    return Contractor(
        id=src.own(n),
        business_name=f"{src.choice(texts.FIRMS)} {n}",
        contact_name=src.maybe(texts.person(n + 7)),
        email=f"office-{n}@contractor.example",
        phone=src.maybe(src.phone(n)),
        address=src.maybe(src.choice(texts.STREETS)),
        type=src.choice(Contractor.Type.values),
        specialty=src.maybe(src.choice(texts.TRADES), 0.8),
        notes=src.note(),
        is_active=src.chance(0.9),
        org_id=src.id(Organization, n // CONTRACTORS_PER_ORG),
        **src.stamps(),
    )
