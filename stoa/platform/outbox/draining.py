"""For tests: deliver everything that is due, now, in this thread."""

from stoa.platform.outbox.delivering import Tally, claim_due, deliver, expand_events
from stoa.platform.outbox.statements import Claimed

_PASSES = 1000


class Undelivered(AssertionError):
    """A reaction failed while a test drained the outbox."""


def drain(*, expect_failures: bool = False) -> Tally:
    """Until nothing is due. A reaction that fails raises Undelivered from its error, unless failures are expected;
    a delivery that is to be retried later stays pending."""
    total = Tally()
    failures: list[tuple[Claimed, Exception]] = []
    for _ in range(_PASSES):
        expanded = expand_events()
        lease = claim_due()
        if lease is None:
            if not expanded:
                return total
            continue
        ran = deliver(lease, on_failure=lambda row, error: failures.append((row, error)))
        total.expanded += expanded
        total.done += ran.done
        total.failed += ran.failed
        if failures and not expect_failures:
            row, error = failures[0]
            raise Undelivered(f"{row.subscriber} on {row.name}: {error!r}") from error
    raise Undelivered(f"still something due after {_PASSES} passes: reactions that publish in a circle?")
