"""The composition root: settings, urls, wiring, the servers and the stoa command line."""
