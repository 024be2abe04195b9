"""The typed registry of environment variables and the only reader of the environment."""
