"""Somebody at a browser: signs in, clicks, and complains of errors that people do not see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from backupsvc.studio.demo.seeding import DEMO_PASSWORD
from tests.browser import finding

PASSWORD = DEMO_PASSWORD
PAGES = "/admin/backups/backuprun/"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = (Path(__file__).parent / "axe.min.js").read_text()
# A page may take long on a machine that does much else at the time; only a failure waits to the end.
PATIENCE = 60
expect.set_options(timeout=PATIENCE * 1000)
# Every rule is asked of every node. What passed, nearly all of a page, stays in the browser: to describe it
# and bring it here takes longer than to look.
ASK_AXE = """async rules => {
    const how = {runOnly: rules, resultTypes: ["violations"], selectors: false};
    const {violations} = await axe.run(document, how);
    return violations.map(found => [found.id, found.nodes[0].html]);
}"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that is here; whoever asks has seen to it that there is one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=finding.find(), args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """One person in a browser of their own. ``address`` is the server's."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.address = address
        self._context = browser.new_context(base_url=address, **context)
        self.page = self.new_tab()
        self.complaints: list[str] = []

    def new_tab(self) -> Page:
        page = self._context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def _on_console(self, message: Any) -> None:
        # A refusal is what some tests are about, and Chromium notes each on the console.
        if message.type == "error" and "403 (Forbidden)" not in message.text:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def sign_in(self, email: str) -> "Visitor":
        self.page.goto("/admin/login/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/login/" not in url)
        return self

    def open(self, path: str = "") -> int:
        """Go to a backup page; the status of the answer."""
        response = self.page.goto(path if path.startswith("/") else PAGES + path)
        return response.status if response else 0

    def click(self, name: str) -> None:
        """The button or link of this name."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        button.or_(link).first.click()

    def press(self, target: Locator) -> None:
        """Go to something with the keyboard alone, and press Enter on it."""
        self.tab_to(target)
        self.page.keyboard.press("Enter")

    def tab_to(self, target: Locator) -> None:
        """Press Tab until something has the focus. Raises where it is not reached, or not in view."""
        target.wait_for()
        for _ in range(200):
            self.page.keyboard.press("Tab")
            if target.evaluate("node => node === document.activeElement"):
                break
        else:
            raise AssertionError(f"{self.page.url}: Tab does not lead to {target}")
        place = target.bounding_box()
        tall = self.page.evaluate("window.innerHeight")
        assert place and place["y"] >= -1 and place["y"] + place["height"] <= tall + 1, place

    def sees(self, text: str, *, seconds: float = PATIENCE) -> None:
        """Wait until a text is shown. Raises where it does not come."""
        self.page.get_by_text(text).first.wait_for(timeout=seconds * 1000)

    def inspect(self) -> None:
        """Fail where the page is not accessible, is wider than its window, or had an error."""
        found = self.problems() + self.complaints
        assert found == [], found

    def problems(self) -> list[str]:
        """What axe has against the page, and how much wider it is than its window."""
        self.page.evaluate(AXE)
        found = self.page.evaluate(ASK_AXE, RULES)
        problems = [f"{self.page.url}: {rule}: {node[:200]}" for rule, node in found]
        width = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if width > 0:
            problems.append(f"{self.page.url}: {width} px wider than the window")
        return problems

    def leave(self) -> None:
        self._context.close()
