"""Plans that people can read, whatever is in the file: so many findings of a kind, and "and N more"."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from backups.findings import Finding
from backups.wording import Sentence, ngettext

SHOWN = 50
DIFFERENCES = 500


def capped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first findings of each code and severity, and one that counts the rest; in their order."""
    seen: Counter[tuple[str, str]] = Counter()
    rest: dict[tuple[str, str], Finding] = {}
    shown = []
    for finding in findings:
        kind = (finding.code, finding.severity.value)
        seen[kind] += 1
        if seen[kind] <= SHOWN:
            shown.append(finding)
        else:
            rest.setdefault(kind, finding)
    return (*shown, *(_more(first, seen[kind] - SHOWN) for kind, first in rest.items()))


def _more(first: Finding, count: int) -> Finding:
    message = ngettext(
        "There is {n} more finding of this kind.",
        "There are {n} more findings of this kind.",
        count,
    )
    return replace(first, message=message, table="", count=count)


def capped_differences(sentences: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
    """The first of them, and how many more there are."""
    more = len(sentences) - DIFFERENCES
    if more <= 0:
        return sentences
    last = ngettext(
        "And {n} more difference.",
        "And {n} more differences.",
        more,
    )
    return (*sentences[:DIFFERENCES], last)
