// A client whose types are generated: npx openapi-typescript http://localhost:5380/openapi/v1.json -o ticketapp.ts
import createClient from "openapi-fetch";
import type { components, paths } from "./ticketapp.js";

type Ticket = components["schemas"]["Ticket"];

const api = createClient<paths>({ baseUrl: process.env.TICKETAPP ?? "http://localhost:5380" });

// An answer, or what the problem says.
function must<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(`${error?.type}: ${error?.detail}`);
  return data;
}

const user = must(await api.POST("/v1/users", { params: { header: { "Idempotency-Key": crypto.randomUUID() } } }));
const headers = user.api_key ? { Authorization: `Bearer ${user.api_key}` } : undefined;

// Submits a ticket and waits for it.
let ticket: Ticket = must(await api.POST("/v1/tickets", {
  headers,
  params: { header: { "Idempotency-Key": crypto.randomUUID(), Prefer: "respond-async, wait=30" } },
  body: { user_id: user.id, priority: "high", policy: { deadline_s: 120 } },
}));
while (ticket.finished_at === null) {
  ticket = must(await api.GET("/v1/tickets/{id}", {
    headers,
    params: { path: { id: ticket.id }, header: { Prefer: "wait=30" } },
  }));
}
console.log(ticket.status, ticket.response); // text, or any other JSON value

// Submits several at once; each is taken or refused by itself.
const batch = must(await api.POST("/v1/tickets/batch", {
  headers,
  body: { tickets: [{ user_id: user.id }, { user_id: user.id, priority: "low" }, { user_id: user.id, model: "unknown" }] },
}));
console.log("batch", batch.results.map((result) => result.ticket?.priority ?? result.problem?.title).join(", "));

// Cancels one, and runs it again.
const slow = must(await api.POST("/v1/tickets", { headers, body: { user_id: user.id, input: '{"seconds":60}' } }));
const path = { id: slow.id };
let stopped = must(await api.POST("/v1/tickets/{id}/cancel", { headers, params: { path } }));
while (stopped.finished_at === null) {
  stopped = must(await api.GET("/v1/tickets/{id}", { headers, params: { path, header: { Prefer: "wait=30" } } }));
}
const again = must(await api.POST("/v1/tickets/{id}/retry", {
  headers,
  params: { path, header: { "Idempotency-Key": "once" } },
}));
console.log("retry", stopped.status, again.status, again.max_attempts > again.attempt);
await api.POST("/v1/tickets/{id}/cancel", { headers, params: { path } });

// All tickets of the user, page by page.
let count = 0;
let cursor: string | undefined;
do {
  const page = must(await api.GET("/v1/tickets", { headers, params: { query: { user_id: user.id, limit: 2, cursor } } }));
  count += page.results.length;
  cursor = page.next ?? undefined;
} while (cursor);
console.log("tickets", count);

const statistics = must(await api.GET("/v1/stats"));
console.log("open", statistics.open >= 0);
const { error } = await api.GET("/v1/tickets/{id}", { headers, params: { path: { id: user.id } } });
console.log("problem", error?.type);
