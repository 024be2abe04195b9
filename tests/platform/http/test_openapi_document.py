"""docs/openapi.json is what /api/schema/ says, it is OpenAPI 3.1, and it is exact where a guess would do harm."""

import json
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.validation import validate_schema
from jsonschema import ValidationError
from pydantic import Field

import stoa
from stoa.kit.contract import Contract
from stoa.kit.errors import Invalid
from stoa.platform.http.inputs import Input, Text, validate
from stoa.platform.http.openapi_schemas import TwoSchemasOneName, reference
from stoa.platform.testing.client import ApiClient

SERVED = "stoa.project.urls"
DOCUMENT = Path(stoa.__file__).parents[1] / "docs" / "openapi.json"


def generated(urlconf: str) -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)
    return document


def operation(path: str, method: str = "get") -> dict[str, Any]:
    described: dict[str, Any] = generated("tests.probe.urls")["paths"][f"/api/v1/{path}"][method]
    return described


def openapi(*arguments: str) -> str:
    out = StringIO()
    call_command("openapi", "--urlconf", SERVED, *arguments, stdout=out)
    return out.getvalue()


def test_the_committed_document_is_the_served_one(api: ApiClient) -> None:
    openapi("--check")
    with override_settings(ROOT_URLCONF=SERVED):
        answer = api.get("/api/schema/", params={"format": "json"})
    assert answer.status_code == 200
    assert answer.json() == json.loads(DOCUMENT.read_text())


def test_a_difference_is_told_and_mended(tmp_path: Path) -> None:
    file = tmp_path / "docs" / "openapi.json"
    with pytest.raises(CommandError, match="openapi --write"):
        openapi("--check", "--file", str(file))
    assert openapi("--write", "--file", str(file)) == f"wrote {file}\n"
    assert file.read_bytes() == DOCUMENT.read_bytes()
    assert openapi("--check", "--file", str(file)) == openapi("--write", "--file", str(file)) == ""
    file.write_text(file.read_text().replace('"post_auth_login"', '"sign_in"'))
    with pytest.raises(CommandError, match="differs"):
        openapi("--check", "--file", str(file))


def test_a_route_that_left_is_a_difference() -> None:
    with pytest.raises(CommandError, match="differs"):
        call_command("openapi", "--check", "--urlconf", "tests.probe.urls")


def test_it_is_openapi_31_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    document = generated("tests.probe.urls")
    assert capsys.readouterr().err == ""
    assert document["openapi"] == "3.1.0"
    validate_schema(document)
    document["paths"]["/api/v1/probe/echo"]["post"]["responses"] = []
    with pytest.raises(ValidationError):
        validate_schema(document)


def test_every_reference_leads_somewhere() -> None:
    document = generated("tests.probe.urls")
    references = [line.partition('"$ref": ')[2].strip('",') for line in json.dumps(document, indent=1).splitlines()]
    found = {reference for reference in references if reference}
    assert len(found) > 30
    for pointer in found:
        node: Any = document
        for step in pointer.removeprefix("#/").split("/"):
            node = node[step]


def test_the_probe_and_pages_for_people_are_not_in_it() -> None:
    paths = json.loads(DOCUMENT.read_text())["paths"]
    assert all(path.startswith("/api/v1/") and "/probe" not in path for path in paths)


def test_a_query_parameter_has_the_type_of_its_value_and_no_null() -> None:
    (kind,) = operation("probe/fail")["parameters"]
    assert kind == {
        "in": "query",
        "name": "kind",
        "required": False,
        "schema": {"$ref": "#/components/schemas/Kind"},
    }


def test_a_body_is_required_only_when_an_empty_object_would_be_refused() -> None:
    assert operation("probe/echo", "post")["requestBody"]["required"] is True
    assert operation("users/me", "patch")["requestBody"]["required"] is False


def test_path_values_that_match_nothing_are_documented() -> None:
    assert list(operation("probe/notes/{note_id}")["responses"]) == ["200", "304", "401", "404", "429"]
    assert list(operation("probe/org")["responses"]) == ["200", "401", "403", "404", "409", "429"]
    assert list(operation("system/health")["responses"]) == ["200"]


def test_codes_are_enumerated_by_status() -> None:
    responses = operation("probe/transfers", "post")["responses"]
    assert responses["400"]["$ref"].rpartition("/")[2] == (
        "400.BAD_REQUEST.IDEMPOTENCY_KEY_INVALID.IDEMPOTENCY_KEY_REQUIRED"
    )
    described = generated("tests.probe.urls")["components"]["responses"]["409.IDEMPOTENCY_IN_PROGRESS.TITLE_TAKEN"]
    narrowed = described["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"]
    assert narrowed == {"properties": {"code": {"enum": ["IDEMPOTENCY_IN_PROGRESS", "TITLE_TAKEN"]}}}


def test_an_answer_has_all_its_fields_and_no_other() -> None:
    schema = generated("tests.probe.urls")["components"]["schemas"]["SignedOut"]
    assert (schema["required"], schema["additionalProperties"]) == (["signed_out"], False)


def test_a_narrowed_line_of_text_is_narrower_in_the_document_and_in_fact() -> None:
    class Titled(Input):
        narrowed: Text = Field(max_length=10)
        aliased: Annotated[Text, Field(max_length=20)]
        plain: Text

    bounds = {name: (field["minLength"], field["maxLength"]) for name, field in properties_of(Titled).items()}
    assert bounds == {"narrowed": (1, 10), "aliased": (1, 20), "plain": (1, 200)}
    longest = {"narrowed": "x" * 10, "aliased": "x" * 20, "plain": "x" * 200}
    assert validate(Titled, longest).narrowed == "x" * 10
    with pytest.raises(Invalid) as refused:
        validate(Titled, {name: f"{value}x" for name, value in longest.items()})
    assert set(refused.value.fields) == {"narrowed", "aliased", "plain"}


def properties_of(model: type[Input]) -> dict[str, Any]:
    found: dict[str, Any] = model.model_json_schema()["properties"]
    return found


def test_two_contracts_of_one_name_are_refused() -> None:
    def contract(of: type) -> type[Contract]:
        return type("Twin", (Contract,), {"__annotations__": {"value": of}, "__module__": __name__})

    registry = ComponentRegistry()
    assert reference(contract(int), registry, "serialization") == {"$ref": "#/components/schemas/Twin"}
    assert reference(contract(int), registry, "serialization") == {"$ref": "#/components/schemas/Twin"}
    with pytest.raises(TwoSchemasOneName, match="Twin"):
        reference(contract(str), registry, "serialization")


def test_operation_ids_are_unique() -> None:
    document = generated("tests.probe.urls")
    ids = [described["operationId"] for path in document["paths"].values() for described in path.values()]
    assert len(ids) == len(set(ids)) > 15
