"""The messages: reads tickets, and makes what reports may say."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any, Dict, List, Mapping, Optional, Tuple

RESPONSES, ERRORS, CONTROL, REPORTS = "responses", "errors", "control", "reports"
MAX_RESPONSE = 1_000_000
MAX_DETAILS = 10_000
MAX_DEPTH = 64
MAX_DETAILS_DEPTH = 60
MAX_ERROR = 1000
MAX_ERROR_TYPE = 50
MAX_ELEMENTS = 1000
MAX_UNREADABLE = 1024 * 1024
MAX_SCHEMA = 64 * 1024
MAX_SCHEMA_DEPTH = 48

Key = Tuple[uuid.UUID, int]


def run_key(run: Mapping[str, Any]) -> Key:
    return uuid.UUID(run["ticket_id"]), int(run["epoch"])


def read_tickets(body: bytes) -> List[Tuple[Optional[Dict[str, Any]], bytes, Optional[str]]]:
    """The tickets of a message, one or an array: each with its own text and, where it cannot be read, the reason."""
    try:
        content = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return [(None, body, f"not JSON in UTF-8: {error}")]
    if not isinstance(content, list):
        content = [content]
    elif len(content) > MAX_ELEMENTS:
        return [(None, body, f"more than {MAX_ELEMENTS} elements")]
    elements: List[Tuple[Optional[Dict[str, Any]], bytes, Optional[str]]] = []
    for element in content:
        defect = ticket_defect(element)
        raw = body if len(content) == 1 else json.dumps(element).encode() if defect else b""
        elements.append((None if defect else element, raw, defect))
    return elements


def ticket_defect(ticket: Any) -> Optional[str]:
    if not isinstance(ticket, dict):
        return "not an object"
    required = {"ticket_id": str, "user_id": str, "model": str, "attempt": int, "epoch": int, "deadline": str}
    for name, kind in required.items():
        if not isinstance(ticket.get(name), kind) or isinstance(ticket[name], bool):
            return f"{name} is missing or of another type"
    for name in ("start_within_seconds", "execution_timeout_seconds"):
        if not isinstance(ticket.get(name) or 0, (int, float)):
            return f"{name} is not a number"
    try:
        uuid.UUID(ticket["ticket_id"])
    except ValueError:
        return "ticket_id is no UUID"
    return None if ticket["epoch"] >= 1 else "epoch is missing"


def unreadable(queue: str, body: bytes, defect: str) -> Dict[str, Any]:
    cut = f" (only the first {MAX_UNREADABLE} of its {len(body)} bytes are here)" if len(body) > MAX_UNREADABLE else ""
    body = body[:MAX_UNREADABLE]
    try:
        text, encoding = body.decode("utf-8"), "utf-8"
    except ValueError:
        text, encoding = base64.b64encode(body).decode("ascii"), "base64"
    return {
        "message": f"Message could not be read: {defect}{cut}",
        "reason": "unreadable",
        "queue": queue,
        "body": text,
        "body_encoding": encoding,
    }


def failed(error_type: str, message: str, is_final: bool = False) -> Dict[str, Any]:
    failure: Dict[str, Any] = {
        "type": "failed", "error_type": clean(error_type)[:MAX_ERROR_TYPE], "error_message": clean(message)[:MAX_ERROR]}
    if is_final:
        failure["is_final"] = True
    return failure


def clean(value: Any, levels: int = MAX_DEPTH) -> Any:
    """A JSON value whose texts can be stored: without U+0000, and without halves of characters.

    :raises ValueError: it is nested deeper than that.
    """
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
    if isinstance(value, (dict, list, tuple)):
        if levels == 0:
            raise ValueError("it is nested too deep")
        if isinstance(value, dict):
            return {clean(name): clean(item, levels - 1) for name, item in value.items()}
        return [clean(item, levels - 1) for item in value]
    return value


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def is_longer(text: str, characters: int) -> bool:
    """Whether it has more UTF-16 characters than that."""
    return len(text) > characters or (2 * len(text) > characters and len(text.encode("utf-16-le", "surrogatepass")) > 2 * characters)
