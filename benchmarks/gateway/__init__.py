"""The realtime gateway under load: its figures beside bare FastAPI and Channels, and its soak. Sockets here are light:
what reads them must not be what is measured."""
