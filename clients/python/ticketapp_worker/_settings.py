"""Settings, from the environment: those of the other workers, in their form."""

from __future__ import annotations

import os
import re
import ssl
from typing import Any, Dict, List
from urllib.parse import parse_qs, unquote, urlsplit

import pika

MAX_COUNT = 65_535

def seconds(name: str, default: float) -> float:
    """A time as .NET writes it: [days.]hours:minutes:seconds[.fraction]."""
    text = os.environ.get(name)
    if not text:
        return default
    match = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)", text.strip())
    if match is None:
        raise SystemExit(f"{name} is no time, as in 00:00:05: {text}")
    days, hours, minutes, seconds = match.groups()
    return ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)


def whole(name: str, default: int, least: int) -> int:
    """A whole number, up to what a broker takes for a count."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch("[0-9]{1,5}", text) or not least <= int(text) <= MAX_COUNT:
        raise SystemExit(f"{name} is no whole number from {least} to {MAX_COUNT}: {text}")
    return int(text)


def hosts_of(url: str) -> List[pika.ConnectionParameters]:
    """The nodes of the broker."""
    match = re.fullmatch(r"(amqps?://(?:[^/@]*@)?)([^/?]+)(.*)", url)
    if match is None:
        raise SystemExit("the address of the broker is not of the form amqp://user:password@host:5672/vhost")
    return [host_of(f"{match[1]}{host.strip()}{match[3]}") for host in match[2].split(",")]


def host_of(url: str) -> pika.ConnectionParameters:
    parts = urlsplit(url)
    options: Dict[str, Any] = {}
    if parts.scheme == "amqps":
        # Verifies the chain and the name of the host.
        files = parse_qs(parts.query).get("cacertfile")
        context = ssl.create_default_context(cafile=files[0] if files else None)
        options["ssl_options"] = pika.SSLOptions(context, parts.hostname)
    return pika.ConnectionParameters(
        host=parts.hostname or "localhost",
        port=parts.port or (5671 if parts.scheme == "amqps" else 5672),
        virtual_host=unquote(parts.path[1:]) or "/",
        credentials=pika.PlainCredentials(unquote(parts.username or "guest"), unquote(parts.password or "guest")),
        heartbeat=10,
        socket_timeout=5,
        stack_timeout=10,
        client_properties={"connection_name": "ticketapp_worker"},
        **options)
