"""Header names that carry the request context between processes, in lower case.

A name here is a contract between releases that run side by side: add, never rename.
"""

REQUEST_ID = "x-request-id"
LOG_ID = "x-log-id"
"""The same id under the name that older clients send and read."""
ORG_ID = "x-org-id"
USER_ID = "x-user-id"
"""Between our own processes only (Celery messages); nobody outside is asked who he is by it."""
