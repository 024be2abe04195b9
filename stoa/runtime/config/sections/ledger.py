"""The books: when a second person is wanted, how long files of reports are kept."""

from stoa.runtime.config.registry import Section, setting


class Ledger(Section):
    """The ledger."""

    ledger_four_eyes_above: int = setting(
        1_000,
        "A cure of a quarantined record that moves more than this waits for a second person; 0: each does.",
        example="250",
        unit="units of the cure's currency",
        ge=0,
        le=10**12,
        why="Whoever could mend the books alone could also bend them.",
    )
    ledger_report_retention_days: int = setting(
        30,
        "How long the file of a report that was written in the background can be fetched.",
        example="7",
        unit="days",
        ge=1,
        le=3650,
        why="Reports can be made again; old files are only something to lose.",
    )
