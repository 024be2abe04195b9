"""Each test counts into a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stoa.runtime import metrics


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Path]:
    metrics.share_in(tmp_path)
    yield tmp_path
    metrics.stop_sharing()
