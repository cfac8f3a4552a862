"""Spans of runs: each continues its ticket's trace, where opentelemetry-api is installed."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any, ContextManager, Mapping, Optional

# Of opentelemetry, which type checkers may lack too.
Span = Any


def load() -> Any:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace


trace = load()
TRACE_PARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def start_span(ticket: Mapping[str, Any]) -> Optional[Span]:
    """The span of a run that begins; None where its ticket is not traced."""
    match = TRACE_PARENT.fullmatch(ticket.get("trace_parent") or "")
    if trace is None or match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    parent = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    if not parent.is_valid:
        return None
    return trace.get_tracer("ticketapp_worker").start_span(
        "run ticket",
        trace.set_span_in_context(trace.NonRecordingSpan(parent)),
        attributes={
            "ticketapp.ticket.id": ticket["ticket_id"], "ticketapp.model": ticket["model"], "ticketapp.attempt": ticket["attempt"]})


def use_span(span: Optional[Span]) -> ContextManager[object]:
    """Makes it the current one, so that what the model does becomes part of it."""
    if span is None:
        return nullcontext()
    current: ContextManager[object] = trace.use_span(span, record_exception=False, set_status_on_exception=False)
    return current


def end_span(span: Optional[Span], error_type: Optional[str]) -> None:
    """Ends it. Without the message: that may repeat the input."""
    if span is not None:
        if error_type is not None:
            span.set_attribute("error.type", error_type)
            span.set_status(trace.StatusCode.ERROR)
        span.end()


def trace_parent_of(span: Optional[Span], ticket: Mapping[str, Any]) -> Optional[str]:
    """The W3C traceparent of what happens next: that of the span, or of the ticket where no span is recorded."""
    if span is None or not span.get_span_context().trace_flags.sampled:
        return ticket.get("trace_parent")
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
