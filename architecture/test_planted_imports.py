"""Every import contract is broken on purpose in a scratch copy, and names what broke it."""

from dataclasses import dataclass

import pytest

from architecture.scratch import Ran, Scratch


@dataclass(frozen=True, slots=True)
class Fault:
    file: str
    line: str
    contract: str
    evidence: str


_HOUSE = "The house has floors"
_APPS = "Apps call down, never up or sideways"
_INSIDE = "Inside every app"
_SURFACE = "Other apps see only public, contracts, events and errors"
_PURE = "Kit, wire, runtime and the apps' pure files know neither Django nor platform"
_OUTPOSTS = "Gateway and simulators stand on runtime, wire and kit only"
_ACYCLIC = "Platform packages form no cycle"

_FAULTS = {
    "kit_up_to_wire": Fault("stoa/kit/ids.py", "import stoa.wire.headers", _HOUSE, "stoa.kit.ids -> stoa.wire.headers"),
    "wire_up_to_runtime": Fault(
        "stoa/wire/headers.py", "import stoa.runtime.process", _HOUSE, "stoa.wire.headers -> stoa.runtime.process"
    ),
    "runtime_up_to_platform": Fault(
        "stoa/runtime/process.py",
        "import stoa.platform.http.access",
        _HOUSE,
        "stoa.runtime is not allowed to import stoa.platform:",
    ),
    "platform_up_to_apps": Fault(
        "stoa/platform/http/access.py",
        "import stoa.apps.media.public",
        _HOUSE,
        "stoa.platform is not allowed to import stoa.apps:",
    ),
    "apps_up_to_project": Fault(
        "stoa/apps/media/services.py",
        "import stoa.project.urls",
        _HOUSE,
        "stoa.apps.media.services -> stoa.project.urls",
    ),
    "project_sideways_to_gateway": Fault(
        "stoa/project/urls.py", "import stoa.gateway.main", _HOUSE, "stoa.project.urls -> stoa.gateway.main"
    ),
    "a_package_without_a_floor": Fault("stoa/attic/box.py", "BOX = 1", _HOUSE, "- stoa.attic"),
    "app_up": Fault(
        "stoa/apps/media/queries.py",
        "import stoa.apps.search.public",
        _APPS,
        "stoa.apps.media.queries -> stoa.apps.search.public",
    ),
    "app_sideways": Fault(
        "stoa/apps/search/queries.py",
        "import stoa.apps.astrology.public",
        _APPS,
        "stoa.apps.search.queries -> stoa.apps.astrology.public",
    ),
    "an_app_without_a_floor": Fault("stoa/apps/attic/box.py", "BOX = 1", _APPS, "- stoa.apps.attic"),
    "queries_up_to_services": Fault(
        "stoa/apps/astrology/queries.py",
        "import stoa.apps.astrology.services",
        _INSIDE,
        "stoa.apps.astrology.queries -> stoa.apps.astrology.services",
    ),
    "split_services_up_to_http": Fault(
        "stoa/apps/sales/services/orders.py",
        "import stoa.apps.sales.http",
        _INSIDE,
        "stoa.apps.sales.services.orders -> stoa.apps.sales.http",
    ),
    "http_sideways_to_tasks": Fault(
        "stoa/apps/astrology/http.py",
        "import stoa.apps.astrology.tasks",
        _INSIDE,
        "stoa.apps.astrology.http -> stoa.apps.astrology.tasks",
    ),
    "a_stray_utils": Fault("stoa/apps/search/utils.py", "LIMIT = 1", _INSIDE, "- stoa.apps.search.utils"),
    "past_the_surface": Fault(
        "stoa/apps/search/services.py",
        "import stoa.apps.media.models",
        _SURFACE,
        "stoa.apps.search.services -> stoa.apps.media.models",
    ),
    "past_the_surface_by_the_package": Fault(
        "stoa/apps/sales/models.py",
        "from stoa.apps.media import NAME",
        _SURFACE,
        "stoa.apps.sales.models -> stoa.apps.media ",
    ),
    "kit_knows_django": Fault("stoa/kit/money.py", "import django.db", _PURE, "stoa.kit.money -> django "),
    "wire_knows_rest_framework": Fault(
        "stoa/wire/planted.py", "import rest_framework.views", _PURE, "stoa.wire.planted -> rest_framework "
    ),
    "runtime_knows_django": Fault("stoa/runtime/context.py", "import django", _PURE, "stoa.runtime.context -> django "),
    "runtime_knows_platform": Fault(
        "stoa/runtime/config/model.py",
        "import stoa.platform.http.scopes",
        _PURE,
        "stoa.runtime.config.model -> stoa.platform.http.scopes",
    ),
    "events_know_django": Fault(
        "stoa/apps/media/events.py", "import django", _PURE, "stoa.apps.media.events -> django "
    ),
    "contracts_know_spectacular": Fault(
        "stoa/apps/media/contracts.py",
        "import drf_spectacular",
        _PURE,
        "stoa.apps.media.contracts -> drf_spectacular ",
    ),
    "errors_know_platform": Fault(
        "stoa/apps/media/errors.py",
        "import stoa.platform.http.envelope",
        _PURE,
        "stoa.apps.media.errors -> stoa.platform.http.envelope",
    ),
    "domain_knows_django": Fault(
        "stoa/apps/media/domain.py", "import django", _PURE, "stoa.apps.media.domain -> django "
    ),
    "split_domain_knows_django": Fault(
        "stoa/apps/sales/domain/tax.py", "import django", _PURE, "stoa.apps.sales.domain.tax -> django "
    ),
    "gateway_knows_an_app": Fault(
        "stoa/gateway/main.py",
        "import stoa.apps.search.public",
        _OUTPOSTS,
        "stoa.gateway.main -> stoa.apps.search.public",
    ),
    "simulators_know_django": Fault(
        "stoa/simulators/bank.py", "import django", _OUTPOSTS, "stoa.simulators.bank -> django "
    ),
    "platform_in_a_circle": Fault(
        "stoa/platform/ring/one.py", "import stoa.platform.chain.two", _ACYCLIC, ".ring -> .chain"
    ),
}
# What the faults need around them and is no fault by itself.
_AROUND = {
    "stoa/apps/media/public.py": "",
    "stoa/apps/media/models.py": "",
    "stoa/apps/search/public.py": "",
    "stoa/apps/astrology/public.py": "",
    "stoa/apps/astrology/services.py": "",
    "stoa/apps/astrology/tasks.py": "",
    "stoa/apps/sales/http.py": "",
    "stoa/platform/chain/two.py": "import stoa.platform.ring.one\n",
}


@pytest.fixture(scope="module")
def apps_only(scratch: Scratch) -> Ran:
    """The copy with four more apps and no fault: the control, before anything is planted."""
    for name in ("media", "search", "astrology", "sales"):
        assert scratch.new_app(name).code == 0
    return scratch.lint_imports()


@pytest.fixture(scope="module")
def report(scratch: Scratch, apps_only: Ran) -> Ran:
    for file, text in _AROUND.items():
        scratch.plant(file, text)
    for fault in _FAULTS.values():
        scratch.plant(fault.file, f"\n{fault.line}\n")
    return scratch.lint_imports()


def test_without_a_fault_all_contracts_are_kept(apps_only: Ran) -> None:
    assert (apps_only.code, "Contracts: 7 kept, 0 broken." in apps_only.text) == (0, True), apps_only.text


def test_each_contract_is_broken(report: Ran) -> None:
    assert report.code == 1
    for contract in (_HOUSE, _APPS, _INSIDE, _SURFACE, _PURE, _OUTPOSTS, _ACYCLIC):
        assert f"{contract} BROKEN" in report.text, report.text
    assert "Contracts: 0 kept, 7 broken." in report.text


@pytest.mark.parametrize("name", _FAULTS)
def test_the_fault_is_named(name: str, report: Ran) -> None:
    fault = _FAULTS[name]
    section = report.text.partition(f" {fault.contract} ---")[2].partition(" ---")[0]
    assert fault.evidence in section, report.text
