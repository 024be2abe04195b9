"""Text messages: a port with a console and a mailbox for tests; a provider joins as another way.

Law 3 holds: none leaves while a transaction is open.
"""
