"""Takes pictures of pages for docs/screenshots: light and dark, wide and narrow."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.visitor import Visitor

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDTHS = {"wide": 1280, "narrow": 360}
THEMES = ("light", "dark")
# The beginning of a page is enough; and pictures are kept with the code, so they must be small.
TALLEST = 1400
COLOURS = 64


class Camera:
    """``bring`` is the fixture ``visitor``. What axe or the window's width has against a page is kept in
    ``problems``, for the test to look at in the end."""

    def __init__(self, bring: Callable[..., Visitor]) -> None:
        self._bring = bring
        self._people: dict[tuple[str, str, str], Visitor] = {}
        self.problems: list[str] = []
        FOLDER.mkdir(parents=True, exist_ok=True)

    def shoot(
        self,
        name: str,
        path: str,
        role: str = "owner",
        before: Callable[[Visitor], object] = lambda someone: None,
        after: Callable[[Visitor], object] = lambda someone: None,
        end: bool = False,
    ) -> None:
        """One page, or the ``end`` of a long one, for each theme and width, as this role sees it."""
        for theme in THEMES:
            for width in WIDTHS:
                someone = self._person(role, theme, width)
                someone.open(path)
                before(someone)
                someone.page.wait_for_timeout(300)
                self._take(someone, FOLDER / f"{name}-{theme}-{width}.png", WIDTHS[width], end)
                self.problems += [f"{name}-{theme}-{width}: {it}" for it in someone.problems()]
                after(someone)

    def _person(self, role: str, theme: str, width: str) -> Visitor:
        key = (role, theme, width)
        if key not in self._people:
            window = {"width": WIDTHS[width], "height": 900}
            self._people[key] = self._bring(role, color_scheme=theme, viewport=window)
        return self._people[key]

    def _take(self, someone: Visitor, target: Path, width: int, end: bool) -> None:
        whole = someone.page.evaluate("document.documentElement.scrollHeight")
        height = min(whole, TALLEST)
        top = whole - height if end else 0
        frame: Any = {"x": 0, "y": top, "width": width, "height": height}
        someone.page.screenshot(path=target, full_page=True, clip=frame)
        _shrink(target)


def _shrink(picture: Path) -> None:
    """To a palette, a third of the size, where ImageMagick is at hand; else, or where what is called so does
    not do it, the picture stays as it is."""
    if program := shutil.which("magick") or shutil.which("convert"):
        options = ["-strip", "+dither", "-colors", str(COLOURS)]
        subprocess.run([program, str(picture), *options, f"PNG8:{picture}"], check=False)
