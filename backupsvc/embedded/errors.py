"""What can go wrong with the private servers, said so that the reader knows what to do next."""


class EmbeddedError(Exception):
    """A private server could not be found, started, reached or stopped.

    ``code`` is stable, for programs and tests; ``hint`` is the next step, for people. No message
    holds a password.
    """

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint

    def for_people(self) -> str:
        return f"error: {self}\nhint: {self.hint}"
