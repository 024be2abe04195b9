"""The benchmarks and their goals. Each runs in a process of its own, so imports are inside."""

from collections.abc import Callable

from benchmarks.figures import Figure


def health(smoke: bool) -> list[Figure]:
    from benchmarks import health_under_load

    found = health_under_load.measure(probes=100 if smoke else 500, given_up=2 if smoke else 10)
    hang, idle, twin = (found[name]["p99_ms"] for name in ("hang", "idle", "hang_without_admission"))
    beside = f"idle {idle:.1f}, without admission {twin:.0f} (the probe's own time-out)"
    what = "`/health` p99 while twice as many requests as threads hang on the database"
    return [Figure(what, hang, "ms", beside, "< 100", hang < 100)]


def throughput(smoke: bool) -> list[Figure]:
    from benchmarks import http_throughput

    return http_throughput.measure(seconds=1 if smoke else 5, rounds=1 if smoke else 3)


def startup(smoke: bool) -> list[Figure]:
    from benchmarks import startup as module

    return module.measure(rounds=1 if smoke else 5)


def envelope(smoke: bool) -> list[Figure]:
    from benchmarks import envelope_cost

    return envelope_cost.measure(calls=500 if smoke else 5000)


def limiter(smoke: bool) -> list[Figure]:
    from benchmarks import limiter_cost

    us = limiter_cost.measure(rounds=1 if smoke else 5)
    redis = f"PING {us['redis_ping']:.0f}, a bare script {us['redis_bare_evalsha']:.0f}"
    return [
        Figure("limiter, two limits, Redis", us["take_redis_with_fallback_2_limits"], "us", redis),
        Figure("limiter, two limits, in the process", us["take_memory_2_limits"], "us"),
    ]


def logs(smoke: bool) -> list[Figure]:
    from benchmarks import log_cost

    us = log_cost.measure()
    both = us["ours, json to a stream and text to a file"]
    bare = f"bare stdlib JSON {us['bare stdlib json line to a file']:.0f}, masking alone {us['masking only']:.0f}"
    return [Figure("log line of a request, masked, console and file", both, "us", bare, "<= 60", both <= 60)]


def flags(smoke: bool) -> list[Figure]:
    import django

    django.setup()
    from benchmarks import flag_cost

    us = flag_cost.measure(calls=2_000 if smoke else 20_000)
    bare = f"the hash alone {us['hash alone']:.1f}, a look into a dict {us['a look into a dict']:.2f}"
    asked = us["per cent"]
    return [
        Figure("asking for a flag that is rolled out by per cent", asked, "us", bare, "<= 5", asked <= 5),
        Figure("asking for a flag without a row", us["no row"], "us"),
    ]


def metrics(smoke: bool) -> list[Figure]:
    from benchmarks import metrics_cost

    found = metrics_cost.measure(calls=2_000 if smoke else 20_000)
    scrape = found["scrape_ms"]
    return [
        Figure("counting a request", found["on_us"], "us", f"with metrics off {found['off_us']:.2f}"),
        Figure("a scrape, 60 routes, one process", scrape, "ms", "", "<= 200", scrape <= 200),
    ]


def audit(smoke: bool) -> list[Figure]:
    from benchmarks import audit_throughput

    acts = audit_throughput.measure(seconds=0.5 if smoke else 1, rounds=2 if smoke else 9)
    if not acts:
        return []
    ratio, of_none = acts["on"] / acts["plain"], acts["on"] / acts["off"]
    beside = f"{acts['on']:.0f} acts/s; the same rows into plain tables {acts['plain']:.0f}"
    what = "audit, 8 clients, to the same inserts without the trail"
    # The short form shows that it runs; its figures are those of half a second on a busy machine.
    goal, met = ("", None) if smoke else (">= 0.8", ratio >= 0.8)
    beside_none = f"{acts['off']:.0f} acts/s of one row each, where ours write four"
    return [
        Figure(what, ratio, "of", beside, goal, met),
        Figure("audit, 8 clients, to acts that are not recorded at all", of_none, "of", beside_none),
    ]


def outbox(smoke: bool) -> list[Figure]:
    from benchmarks import outbox_figures

    return outbox_figures.measure(smoke=smoke)


def post(smoke: bool) -> list[Figure]:
    from benchmarks import post_cost

    return post_cost.measure(smoke=smoke)


def login(smoke: bool) -> list[Figure]:
    from benchmarks import login_cost

    return login_cost.measure(smoke=smoke)


def identity(smoke: bool) -> list[Figure]:
    from benchmarks import identity_figures

    return identity_figures.measure(smoke=smoke)


def admin(smoke: bool) -> list[Figure]:
    from benchmarks import admin_lists

    size = admin_lists.SMALL if smoke else admin_lists.SIZE
    goal = admin_lists.GOAL_MS
    found = admin_lists.measure(rounds=1 if smoke else 7, size=size)
    figures = []
    for page, timed in found.items():
        slowest = max(timed, key=lambda each: each.worst_ms)
        worst, median = slowest.worst_ms, max(each.median_ms for each in timed)
        many = f"{len(timed)} lists, searches and filters" if len(timed) > 1 else "one page"
        beside = f"{many}, seven times each; medians up to {median:.0f}; slowest `{slowest.address[:60]}`"
        figures.append(Figure(f"admin, {page}: the slowest answer", worst, "ms", beside, f"< {goal}", worst < goal))
    return figures


def gateway(smoke: bool) -> list[Figure]:
    from benchmarks.gateway import figures

    return figures.measure(smoke=smoke)


def ledger(smoke: bool) -> list[Figure]:
    from benchmarks.ledger import figures

    return figures.measure(smoke=smoke)


BENCHMARKS: tuple[Callable[[bool], list[Figure]], ...] = (
    throughput,
    health,
    startup,
    envelope,
    limiter,
    logs,
    flags,
    metrics,
    audit,
    outbox,
    post,
    login,
    admin,
    identity,
    gateway,
    ledger,
)
