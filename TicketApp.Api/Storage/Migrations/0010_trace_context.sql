-- The W3C "traceparent" of the request that made a ticket, so that a later attempt belongs to the same trace. Null if it is not traced.
alter table tickets add column trace_parent text;
