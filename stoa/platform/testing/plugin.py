"""The suite's pytest plugin, named in pytest.ini: lanes, needed services, and labels that must collect something."""

from collections.abc import Iterable
from pathlib import Path

import hypothesis
import pytest

from stoa.platform.testing.lanes import LANES_OF_A_RUN, lane_of


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stoa")
    group.addoption("--lane", choices=sorted(LANES_OF_A_RUN), help="run the tests of one lane")
    group.addoption(
        "--require-services", action="store_true", help="a test that needs PostgreSQL or Redis fails without it"
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Registered late on purpose: these fixtures replace pytest-django's of the same name."""
    from stoa.platform.testing import fixtures  # noqa: PLC0415 - Django is set up only now

    config.pluginmanager.register(fixtures, "stoa-fixtures")
    # How long one example takes says more about the neighbours on the machine than about the code.
    hypothesis.settings.register_profile("stoa", parent=hypothesis.settings(), deadline=None)
    hypothesis.settings.register_profile(
        "long", parent=hypothesis.settings.get_profile("stoa"), max_examples=300, stateful_step_count=60
    )
    hypothesis.settings.load_profile(config.getoption("hypothesis_profile", None) or "stoa")
    if config.getoption("--lane"):
        config.option.markexpr = ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _refuse_empty_labels(config, items)
    for item in items:
        # Side by side a file stays together, but for its tests that commit: in their order (the lane's command says so)
        # each process runs those last.
        item.add_marker(pytest.mark.xdist_group(f"{item.path}{' commits' * _commits(item)}"))
    lane = config.getoption("--lane")
    if lane:
        wanted = LANES_OF_A_RUN[lane]
        kept = [item for item in items if _lane(config, item) in wanted]
        config.hook.pytest_deselected(items=[item for item in items if _lane(config, item) not in wanted])
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterable[None]:
    """Committed rows stay until the end of the run, so the tests that leave them run last."""
    result = yield
    session.items.sort(key=_commits)
    return result


def _commits(item: pytest.Item) -> bool:
    return "committed_db" in getattr(item, "fixturenames", ())


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = _missing_service(item)
    if missing and item.config.getoption("--require-services"):
        pytest.fail(f"needs {missing}", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing}")


def _missing_service(item: pytest.Item) -> str:
    from stoa.platform.testing.databases import on_postgres  # noqa: PLC0415 - Django is set up only now
    from stoa.runtime.config.current import settings  # noqa: PLC0415 - the test settings choose the configuration

    markers = {marker.name for marker in item.iter_markers()}
    if markers & {"race", "postgres"} and not on_postgres():
        return "PostgreSQL: set DATABASE_URL"
    if "redis" in markers and settings().redis_address is None:
        return "Redis: set REDIS_URL"
    return ""


def _lane(config: pytest.Config, item: pytest.Item) -> str:
    markers = {marker.name for marker in item.iter_markers()}
    return lane_of(item.path, config.rootpath, markers, getattr(item, "fixturenames", ()))


def _refuse_empty_labels(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A path on the command line under which nothing was collected: pytest itself is content if another one was not."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return
    for label in config.args:
        path = Path(config.invocation_params.dir, label.partition("::")[0]).resolve()
        if not any(item.path.is_relative_to(path) for item in items):
            raise pytest.UsageError(f"{label}: no test is collected from it")
