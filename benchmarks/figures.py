"""A measured figure, beside the raw limit and the peer of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`beside` holds what was measured in the same run; `goal` is the sentence that `met` answers, "" for none."""

    what: str
    value: float
    unit: str
    beside: str = ""
    goal: str = ""
    met: bool | None = None

    def line(self) -> str:
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"{self.what:58} {self.value:10,.2f} {self.unit:8} {self.beside}  {self.goal} {verdict}".rstrip()


def markdown(figures: Sequence[Figure]) -> str:
    rows = ["| what | measured | beside it, in the same run | goal | |", "| --- | ---: | --- | --- | --- |"]
    for figure in figures:
        verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
        rows.append(
            f"| {figure.what} | {figure.value:,.2f} {figure.unit} | {figure.beside} | {figure.goal} | {verdict} |"
        )
    return "\n".join(rows)
