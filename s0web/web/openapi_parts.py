"""The words of which the OpenAPI description is made."""

from typing import Any

Document = dict[str, Any]
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
YESNO = {"type": "boolean"}


def parameter(name: str, where: str, schema: Document, meaning: str, example: str = "") -> Document:
    parameter: Document = {"name": name, "in": where, "schema": schema, "description": meaning}
    if where == "path":
        parameter["required"] = True
    return parameter | ({"example": example} if example else {})


def answer(meaning: str, schema: str, parameters: list[Document], *codes: int) -> Document:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    responses: Document = {"200": {"description": meaning, "content": content}}
    responses |= refusals(*codes)
    return {"summary": meaning, "parameters": parameters, "responses": responses}


def plain(meaning: str, parameters: list[Document]) -> Document:
    content = {kind: {"schema": TEXT} for kind in ("text/html", "text/plain")}
    responses: Document = {"200": {"description": meaning, "content": content}}
    return {"summary": meaning, "parameters": parameters, "responses": responses}


def refusals(*codes: int) -> Document:
    content = {
        "application/json": {"schema": {"type": "object"}},
        "text/plain": {"schema": TEXT},
        "text/html": {"schema": TEXT},
    }
    message = {"description": "A sentence: what is wrong and what to do.", "content": content}
    return {str(code): message for code in codes}


def record(required: Document, optional: Document | None = None) -> Document:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def mapping(of: Document) -> Document:
    return {"type": "object", "additionalProperties": of}


def ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def texts(*names: str) -> Document:
    return dict.fromkeys(names, TEXT)
