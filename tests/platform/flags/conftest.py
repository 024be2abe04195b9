"""Each test of the flags watches the database itself, and configures what the environment says."""

from collections.abc import Callable, Iterator

import pytest

from stoa.platform.flags import declared
from stoa.platform.flags.models import FeatureFlag
from stoa.platform.flags.watch import Watch, replace_watch
from stoa.runtime.config import current
from stoa.runtime.config.loader import Loaded

type Configure = Callable[..., None]


@pytest.fixture
def own_watch() -> Iterator[Watch]:
    own = Watch()
    previous = replace_watch(own)
    yield own
    own.stop()
    replace_watch(previous)


@pytest.fixture
def own_flags() -> Iterator[None]:
    """Flags that the test declares are forgotten, and rows removed."""
    before = dict(declared._declared)
    yield
    declared._declared.clear()
    declared._declared.update(before)


@pytest.fixture
def rows(committed_db: None, own_watch: Watch, own_flags: None) -> Iterator[None]:
    """Committed rows that the watching thread sees; none before, none after."""
    FeatureFlag.objects.all().delete()
    yield
    own_watch.stop()
    FeatureFlag.objects.all().delete()


@pytest.fixture
def configure() -> Iterator[Configure]:
    """`configure(features={"payments": False})`: the settings in force, with these fields replaced."""
    chosen: list[Loaded] = []

    def put(**fields: object) -> None:
        now = current.loaded()
        chosen.append(Loaded(now.settings.model_copy(update=fields), now.origins))
        current.use(chosen[-1])

    yield put
    for each in chosen:
        current._chosen.remove(each)
