"""Columns whose values are encrypted where they lie, bound to their table, column and row.

Encryption needs the row's primary key, so it happens as an instance is saved; ids are made on our side and known before
the insert. Where there is no instance there is no row to bind to: `update()` of a value, expressions and `bulk_update`
are refused, `values()` and `values_list()` give a `Ciphertext`, and nothing can be looked up by such a column but whether
it is null. Reading is lazy: a value is decrypted when an instance's attribute is first asked for.
Renaming table or column makes the values unreadable: such a migration decrypts and encrypts.
"""

from typing import TYPE_CHECKING, Any, Never

import orjson
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from stoa.runtime.field_encryption import Place, decrypt, encrypt

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class NotFromAnInstance(FieldError):
    """An encrypted column was to be written without the instance whose row it belongs to."""


class NotComparable(FieldError):
    """Two encryptions of one value differ: a lookup would find nothing, without a word."""


class Ciphertext:
    """As it is stored. Prints, compares and serialises as nothing."""

    __slots__ = ("stored",)

    def __init__(self, stored: str) -> None:
        self.stored = stored

    def __repr__(self) -> str:
        return "<encrypted>"


class _Decrypting(DeferredAttribute):
    """A data descriptor, so that what was loaded is decrypted at the first look and not before."""

    field: "Encrypted"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            value = instance.__dict__[self.field.attname] = self.field.opened(value, instance.pk)
        return value

    def __set__(self, instance: Any, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class Encrypted(_Field):
    """Of what the two below have in common."""

    descriptor_class = _Decrypting

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("unique") or kwargs.get("db_index") or kwargs.get("primary_key"):
            raise NotComparable("an encrypted column is neither unique nor indexed")
        # In no form of the admin, and in no dumpdata: both would write it out in clear.
        kwargs.update(editable=False, serialize=False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {key: kwargs[key] for key in kwargs if key not in {"editable", "serialize"}}

    def get_internal_type(self) -> str:
        return "TextField"

    def to_bytes(self, value: Any) -> bytes:
        raise NotImplementedError

    def of_bytes(self, plain: bytes) -> Any:
        raise NotImplementedError

    def place_of(self, pk: object) -> Place:
        """Raises NotFromAnInstance for a row that has no id yet."""
        if pk is None:
            raise NotFromAnInstance(f"{self.model.__name__}.{self.name} needs the row's id before it is saved")
        return Place(self.model._meta.db_table, str(self.column), str(pk))

    def opened(self, value: Ciphertext, pk: object) -> Any:
        """Raises Undecryptable."""
        return self.of_bytes(decrypt(value.stored, self.place_of(pk)))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Ciphertext | None:
        """Encrypts anew at each save, what was not looked at too: a copy under another id fails here, not when it is
        read years later."""
        value = getattr(model_instance, self.attname)
        if value is None:
            return None
        return Ciphertext(encrypt(self.to_bytes(value), self.place_of(model_instance.pk)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        if value is None or isinstance(value, Ciphertext):
            return None if value is None else value.stored
        raise NotFromAnInstance(f"{self.model.__name__}.{self.name} is written by save() and bulk_create() alone")

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        """Django asks for it with an expression too, which would store another column's text in clear."""
        if hasattr(value, "as_sql"):
            raise NotFromAnInstance(f"{self.model.__name__}.{self.name} takes no expressions")
        return "%s"

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise NotComparable(f"{self.model.__name__}.{self.name} is encrypted: only isnull can be asked of it")

    def get_transform(self, lookup_name: str) -> Never:
        raise NotComparable(f"{self.model.__name__}.{self.name} is encrypted: only isnull can be asked of it")


class EncryptedText(Encrypted):
    """Text; the empty one is encrypted too."""

    def to_bytes(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise TypeError(f"{self.model.__name__}.{self.name} holds text")
        return value.encode()

    def of_bytes(self, plain: bytes) -> str:
        return plain.decode()


class EncryptedJSON(Encrypted):
    """JSON types. Raises TypeError for anything else: what is no JSON would not come back as it was."""

    def to_bytes(self, value: Any) -> bytes:
        passed = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
        return orjson.dumps(value, option=passed)

    def of_bytes(self, plain: bytes) -> Any:
        return orjson.loads(plain)
