"""What Redis means when it refuses, in words: each cause with a code of its own."""

import ssl
from collections.abc import Callable, Iterator

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from backups.errors import WorkerFailure
from backups.wording import Sentence, _

# The first word of an answer, which https://redis.io/docs/latest/develop/reference/protocol-spec gives a
# meaning; the rest of it is prose and is not shown.
_WORDS = ("DENIED", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM", "READONLY", "OOM", "LOADING")


def failure_of(error: RedisError) -> WorkerFailure:
    """The failure that an error of the client stands for. None of Redis's own words are in it."""
    return _KINDS.get(_kind(error), _away)()


def _kind(error: RedisError) -> str:
    """By the client's class of the error, else by the word of the answer."""
    classes = {
        OutOfMemoryError: "OOM",
        ReadOnlyError: "READONLY",
        NoPermissionError: "NOPERM",
        AuthenticationError: "WRONGPASS",
        BusyLoadingError: "LOADING",
        InvalidResponse: "TLS",
    }
    for kind, word in classes.items():
        if isinstance(error, kind):
            return word
    if any(_is_of_tls(cause) for cause in _causes(error)):
        return "TLS"
    said = str(error).split()
    # Of a pipeline and a script the answer stands behind words of the client's or the server's.
    found = next((word for word in _WORDS if word in said or f"-{word}" in said), "")
    return found or ("OTHER" if isinstance(error, ResponseError) else "")


def _is_of_tls(error: BaseException) -> bool:
    """A server without TLS does not answer a handshake, so that its time runs out."""
    return isinstance(error, ssl.SSLError) or any(w in str(error) for w in ("SSL", "handshake"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _made(code: str, message: Sentence, hint: Sentence) -> WorkerFailure:
    return WorkerFailure(code, message, hint=hint, permanent=False)


def _away() -> WorkerFailure:
    return _made(
        "worker.redis_away",
        _("The queue (Redis) cannot be reached, so no worker can be told."),
        _("Start Redis, or check REDIS_URL, then try again."),
    )


def _full() -> WorkerFailure:
    return _made(
        "worker.redis_full",
        _("The queue (Redis) has no memory left and takes nothing new, so no worker can be told."),
        _("Free memory in Redis or raise its maxmemory, then try again."),
    )


def _read_only() -> WorkerFailure:
    return _made(
        "worker.redis_read_only",
        _("The queue (Redis) is a read-only replica, so no worker can be told."),
        _("Let REDIS_URL name the primary server, then try again."),
    )


def _unsaved() -> WorkerFailure:
    return _made(
        "worker.redis_disk",
        _("The queue (Redis) cannot write to its disk and takes nothing new until it can."),
        _("Look into Redis's log, free its disk or mend its folder, then try again."),
    )


def _password() -> WorkerFailure:
    return _made(
        "worker.redis_password",
        _("The queue (Redis) does not accept the name or the password, or asks for one."),
        _("Correct the name and the password in REDIS_URL, then try again."),
    )


def _permission() -> WorkerFailure:
    return _made(
        "worker.redis_permission",
        _("The account at the queue (Redis) may not do what is needed to tell a worker."),
        _(
            "Give the account of REDIS_URL all commands, keys and channels (ACL SETUSER), then try again."
        ),
    )


def _protected() -> WorkerFailure:
    return _made(
        "worker.redis_protected",
        _("The queue (Redis) runs in protected mode and refuses everybody from another computer."),
        _("Give Redis a password and put it into REDIS_URL, then try again."),
    )


def needs_tls() -> WorkerFailure:
    return _made(
        "worker.redis_tls",
        _(
            "There is no secure connection to the queue (Redis): one side speaks TLS and the other does not,"
            " or the certificate is not accepted."
        ),
        _(
            "Use rediss:// in REDIS_URL where Redis speaks TLS and redis:// where not, and check the"
            " certificates, then try again."
        ),
    )


def _loading() -> WorkerFailure:
    return _made(
        "worker.redis_loading",
        _("The queue (Redis) has just been started and still reads its data."),
        _("Try again in a moment."),
    )


def _other() -> WorkerFailure:
    return _made(
        "worker.redis_refused",
        _("The queue (Redis) answers, but refuses what is needed to tell a worker."),
        _("Look into Redis's log and at its settings, then try again."),
    )


_KINDS: dict[str, Callable[[], WorkerFailure]] = {
    "OOM": _full,
    "READONLY": _read_only,
    "MISCONF": _unsaved,
    "WRONGPASS": _password,
    "NOAUTH": _password,
    "NOPERM": _permission,
    "DENIED": _protected,
    "TLS": needs_tls,
    "LOADING": _loading,
    "OTHER": _other,
}
