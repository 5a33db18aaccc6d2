"""Text out of a row made fit for the eye: what would not be seen, or would deceive, is spelled out."""

from itertools import groupby

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def parts(text: str) -> list[tuple[str, bool]]:
    """Pieces of the text in order, and whether a piece spells out what cannot be seen: controls, marks
    that change the direction, blanks of no width or of an odd one, unassigned characters."""
    return [
        ("".join(map(_spelled, piece)) if is_unseen else "".join(piece), is_unseen)
        for is_unseen, piece in groupby(text, lambda letter: not letter.isprintable())
    ]


def spelled_out(text: str) -> str:
    """The same in one line for a terminal; a backslash of the text's own is doubled."""
    return "".join(
        piece if is_unseen else piece.replace("\\", "\\\\") for piece, is_unseen in parts(text)
    )


def _spelled(letter: str) -> str:
    if letter in _SHORT:
        return _SHORT[letter]
    number = ord(letter)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
