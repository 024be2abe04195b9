"""The configuration as an operator meets it: `manage.py config`, `manage.py env_docs`, the report at start."""
