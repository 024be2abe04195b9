"""Who must forget a person: a table or an app that nobody thought of fails here."""

from django.apps import apps
from django.db.models import Model

from stoa.apps.accounts.models import User
from stoa.apps.accounts.services.erasure import tables_forgotten
from stoa.platform.outbox.subscriptions import subscriptions

NOT_OF_A_PERSON: dict[str, str] = {
    "User": "becomes the tombstone",
    "SignInAttempt": "hashes, gone with the lockout's window of 15 minutes",
}
"""Models of accounts without a foreign key to a person -> why erasure may leave their rows."""
_PERSON = ("user", "owner", "member", "author", "sender", "recipient", "person")


def of_app(model: type[Model]) -> str:
    parts = model.__module__.split(".")
    return parts[2] if parts[:2] == ["stoa", "apps"] else ""


def test_every_table_of_accounts_is_forgotten_or_says_why_not() -> None:
    forgotten = {model for model, _ in tables_forgotten()}
    left = {
        model.__name__
        for model in apps.get_app_config("accounts").get_models(include_auto_created=False)
        if model not in forgotten
    }
    assert left == set(NOT_OF_A_PERSON)


def test_every_app_that_names_people_reacts_to_their_erasure() -> None:
    naming = set()
    for model in apps.get_models():
        for field in model._meta.local_fields:
            names_one = field.name.removesuffix("_id").rpartition("_")[2] in _PERSON and "id" in field.attname
            if field.related_model is User or names_one:
                naming.add(of_app(model))
    reacting = {name.partition(".")[0] for name, one in subscriptions().items() if one.event_name == "accounts.erased"}
    assert naming - {"", "accounts"} <= reacting
    assert "notifications" in naming
