"""What the OpenAPI description says of a device's last telegram."""

from .openapi_parts import TEXT, Document, refusals


def paths(device: Document) -> Document:
    meaning = "The last telegram as it came; for the machine itself, others need the password."
    told = {"description": meaning, "content": {"text/plain": {"schema": TEXT}}}
    responses = {"200": told} | refusals(401, 403, 404, 429, 503)
    operation = {"summary": meaning, "parameters": [device], "responses": responses}
    return {"/api/v1/telegram/{device}": {"get": operation | {"security": [{"admin": []}, {}]}}}
