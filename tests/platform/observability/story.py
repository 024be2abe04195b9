"""What starts a story's tasks: a subscriber to the event of a probe's route. Imported by relay and worker (`-I`)."""

from celery import chain

from stoa.platform.outbox.subscriptions import sends
from tests.platform.observability.story_tasks import begin, call_out, die_once
from tests.probe.events import NoteTold


@sends(NoteTold)
def start_story(event: NoteTold) -> None:
    """The title is where to call."""
    chain(begin.s(event.title), call_out.s()).apply_async()
    die_once.delay("died")
