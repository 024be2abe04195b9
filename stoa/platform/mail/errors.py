"""Why a mail did not leave. Neither holds an address: both end up on the delivery's row."""

from stoa.kit.errors import Denied, Upstream


class MailNotSent(Upstream):
    """The mail server is away, slow or busy: tried again later."""

    code, message = "MAIL_NOT_SENT", "The mail server did not take the mail."


class MailRefused(Denied):
    """The address or the mail itself is refused for good: the delivery is parked."""

    code, message = "MAIL_REFUSED", "The mail server refused the mail."
