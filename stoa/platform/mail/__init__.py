"""Mail: a small client over SMTP, a folder, the console, or a mailbox in the process for tests.

Law 3 holds: no mail leaves while a transaction is open. So it is sent by `@sends` reactions, under a stable Message-ID.
"""
