// The original HTTP API. No function here throws: what goes wrong is an outcome, with a message in words.

const patience = 15_000;

/** Creates a user: `{ userId }` or `{ problem }`. */
export async function createUser() {
  const answer = await call("POST", "/user");
  return answer.body?.user_id ? { userId: answer.body.user_id } : { problem: problemOf(answer) };
}

/** Submits a ticket: `{ ticketId }` or `{ problem }`. */
export async function submitTicket(userId) {
  const answer = await call("POST", "/ticket", { user_id: userId });
  return answer.body?.ticket_id ? { ticketId: answer.body.ticket_id } : { problem: problemOf(answer) };
}

/** Asks for a ticket: `{ state, response, message, status, retryAfter }`, with `problem` if the service could not tell. */
export async function readTicket(ticketId) {
  const answer = await call("GET", ticketPath(ticketId));
  const message = answer.body?.message ?? "";
  const outcome = { status: answer.status, message, retryAfter: answer.retryAfter };
  switch (answer.status) {
    case 200:
      if (typeof answer.body?.ticket_response === "string") {
        return { ...outcome, state: "answered", response: answer.body.ticket_response };
      }
      break;
    case 202:
      return { ...outcome, state: "waiting" };
    case 404:
      return { ...outcome, state: "gone" };
    case 408:
      return { ...outcome, state: "timed-out" };
    case 410:
      return { ...outcome, state: /cancel/i.test(message) ? "canceled" : "gone" };
    case 424:
      return { ...outcome, state: "failed" };
  }

  return { ...outcome, state: "error", problem: problemOf(answer) };
}

/** Asks whether the service is ready: "healthy", "unhealthy" or "unreachable". */
export async function readHealth() {
  const answer = await call("GET", "/health");
  return answer.status === 0 ? "unreachable" : answer.status === 200 ? "healthy" : "unhealthy";
}

export const ticketPath = (ticketId) => `/ticket?ticket_id=${encodeURIComponent(ticketId)}`;

async function call(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
    return {
      status: response.status,
      retryAfter: secondsOf(response.headers.get("Retry-After")),
      body: await response.json().catch(() => null),
    };
  } catch {
    return { status: 0, retryAfter: null, body: null };
  }
}

/** Retry-After is a number of seconds or a date. */
function secondsOf(header) {
  if (!header) {
    return null;
  }

  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** A problem is an outage where the service as a whole is away, so that asking for another ticket would end the same way. */
function problemOf({ status, body, retryAfter }) {
  const said = typeof body?.message === "string" && body.message !== "" ? body.message : null;
  // The page says itself when it tries again.
  const message = status === 0 ? "The service cannot be reached" : said?.replace(/, try again soon$/, "") ?? `The service answered with status ${status}`;
  return { status, message, retryAfter, isOutage: [0, 429, 502, 503, 504].includes(status) };
}
