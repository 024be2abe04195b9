"""What only `manage.py runserver` needs."""
