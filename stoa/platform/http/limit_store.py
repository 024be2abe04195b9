"""What counts requests: token buckets in the form of GCRA (the generic cell rate algorithm).

A bucket is one number, its debt: how many microseconds until it is full again. A request adds `interval_us` and is
refused when that would lift the debt over `tolerance_us`. Whole microseconds throughout, so that the Lua script
(doubles, exact to 2**53) and Python agree to the last request.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Bucket(NamedTuple):
    key: str
    interval_us: int
    tolerance_us: int


class Spending(NamedTuple):
    """`debts_us` as they stand after the attempt, in the order of the buckets; a refused attempt changed none."""

    allowed: bool
    debts_us: Sequence[int]


class StoreDown(Exception):
    """The counting could not be done; the text is the class of the fault, never an address."""


class Store(Protocol):
    def spend(self, buckets: Sequence[Bucket]) -> Spending:
        """Take one token from every bucket or from none, atomically. Keys are distinct. Raises StoreDown."""
