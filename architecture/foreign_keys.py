"""Relations between models of different apps: they point down the floors, leave no trace above, and never cascade.

A relation is an import that import contracts do not see: `ForeignKey("messaging.Thread")` is a string.
Run as a program (`python -m architecture.foreign_keys`) it sets Django up itself and exits 1 on a fault.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import django
from django.apps import apps
from django.db.models import CASCADE, ForeignKey, ManyToManyField, Model

from architecture.floors import app_floors

_PLATFORM = "platform"


def _owner_of(model: type[Model]) -> str:
    """The app (the folder under stoa/apps), "platform" for its tables, "" for models that are not ours."""
    match model.__module__.split("."):
        case ["stoa", "apps", app, *_]:
            return app
        case ["stoa", "platform", *_]:
            return _PLATFORM
    return ""


def relation_faults(models: Iterable[type[Model]], floors: Mapping[str, int]) -> list[str]:
    all_floors = {_PLATFORM: -1, **floors}
    return [fault for model in models if _owner_of(model) for fault in _of_model(model, all_floors)]


def _of_model(model: type[Model], floors: Mapping[str, int]) -> Iterator[str]:
    owner = _owner_of(model)
    for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
        if not isinstance(field, ForeignKey | ManyToManyField):
            continue
        target = field.related_model
        if _owner_of(target) in ("", owner):
            continue
        place = f"{owner}.{model.__name__}.{field.name} -> {_owner_of(target)}.{target.__name__}"
        if floors[_owner_of(target)] >= floors[owner]:
            yield f"{place}: points {'sideways' if floors[_owner_of(target)] == floors[owner] else 'up'}"
        if not field.remote_field.hidden:
            yield f'{place}: has no related_name="+"'
        if getattr(field.remote_field, "on_delete", None) is CASCADE:
            yield f"{place}: cascades"
        through = field.remote_field.through if isinstance(field, ManyToManyField) else None
        if through is not None and through._meta.auto_created:
            yield f"{place}: its hidden table cascades; write the through model"


def main() -> int:
    django.setup()
    faults = relation_faults(apps.get_models(), app_floors(Path.cwd()))
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
