"""Commands and what they print, read from a page of documentation."""

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "..."


@dataclass(frozen=True)
class Step:
    """`printed` is the text block that follows the commands; `...` in it stands for anything."""

    commands: str
    printed: str


def section(page: str, heading: str) -> str:
    """From the heading to the next one of its level. Raises ValueError when there is none."""
    start = page.index(f"\n{heading}\n")
    level = heading.partition(" ")[0]
    end = page.find(f"\n{level} ", start + len(heading))
    return page[start:] if end < 0 else page[start:end]


def steps(text: str) -> list[Step]:
    blocks = _BLOCK.findall(text)
    found = []
    for (kind, body), (next_kind, next_body) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "bash":
            found.append(Step(body, next_body if next_kind == "text" else ""))
    return found


def agrees(printed: str, shown: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in shown.strip().split(ANYTHING))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
