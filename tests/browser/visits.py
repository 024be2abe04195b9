"""A browser's page under watch: whatever it asks for, and whatever it complains about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

NAME = "stoa.example.org"
"""A name that leads to this machine, for what pages do differently on localhost."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""No name but these two is resolved: a page that needs anything from elsewhere breaks here."""
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation",
  (event) => console.error("policy", event.violatedDirective, event.blockedURI));
"""


@dataclass
class Visit:
    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def take_complaints(self) -> list[str]:
        """For a test that provokes some; those left at the end fail it."""
        taken, self.complaints[:] = list(self.complaints), []
        return taken

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def wait_for_text(self, selector: str, text: str, *, within_s: float) -> None:
        self.page.locator(selector).filter(has_text=text).wait_for(timeout=within_s * 1000)

    def style(self, selector: str, name: str) -> str:
        script = "(element, name) => getComputedStyle(element).getPropertyValue(name)"
        return str(self.page.locator(selector).evaluate(script, name))

    def fits_its_width(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"}:
            self.hosts.add(address.netloc)


@contextmanager
def visited(browser: Browser, *, scheme: str = "light", width: int = 1200) -> Iterator[Visit]:
    """A page in a profile of its own. `scheme` is light or dark."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.add_init_script(_REPORT_VIOLATIONS)
    context.set_default_timeout(10_000)
    visit = Visit(context.new_page())
    visit.page.on("console", visit._heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"exception: {error}"))
    context.on("request", visit._asked)
    try:
        yield visit
    finally:
        context.close()
