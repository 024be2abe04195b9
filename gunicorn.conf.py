"""For `gunicorn stoa.project.wsgi:application`, which finds this file in its working folder. Its options win over it."""

import logging
import os
import sys

from gunicorn.config import Config
from gunicorn.glogging import Logger

from stoa.project.commands.ground import SETTINGS_MODULE, require_database_rules
from stoa.project.commands.refusal import CannotStart
from stoa.project.commands.web import SPARE_THREADS
from stoa.runtime.config.current import settings
from stoa.runtime.config.errors import ConfigurationError
from stoa.runtime.logs import configure_logging
from stoa.runtime.process import declare_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)
declare_role("web")
try:
    current = settings()
except ConfigurationError as error:
    sys.exit(str(error))
configure_logging(current)

bind = f"{current.bind_host}:{current.port}"
workers = current.web_workers
worker_class = "gthread"
# As many as admission lets in or queues, and some for probes.
threads = current.web_concurrency + current.web_queue + SPARE_THREADS
timeout = graceful_timeout = current.web_timeout_s
# It would lie in the home folder, under one name for every installation.
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """Gunicorn's hook, in each worker process once the application is there."""
    try:
        require_database_rules()
    except CannotStart as error:
        logging.getLogger("gunicorn.error").critical("cannot start: %s", error)
        sys.exit(4)  # gunicorn's own code for "the application did not load": it stops instead of trying on


class StoaLogger(Logger):
    """Gunicorn's lines through our logging. No access lines: ours carry the ids."""

    def setup(self, cfg: Config) -> None:
        self.error_log.setLevel(logging.INFO)
        self.error_log.propagate = True

    def access(self, *_: object) -> None:
        pass


logger_class = StoaLogger
