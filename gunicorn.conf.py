"""For `gunicorn stoa.project.wsgi:application`, which finds this file in its working folder. Its options win over it."""

import os
import sys

from stoa.project.commands.ground import SETTINGS_MODULE
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
# Our logging is in place, in one form; gunicorn's own handlers would write a second one. No access log: ours has ids.
logconfig_dict = {
    "version": 1,
    "incremental": True,
    "root": {},
    "loggers": {"gunicorn.error": {"propagate": True}, "gunicorn.access": {"propagate": True}},
}
