import { authorization, ticketPath } from "./api.js";
import { backOff } from "./connection.js";

// The server says something every 15 seconds.
const silence = 40_000;
// A browser has six connections to a service, for all its tabs.
const mostStreams = 2;

/** Follows what happens to a few tickets. */
export class TicketStreams {
  #streams;

  /** @param on `ticket(ticket)` takes how it is from a queued, started or finished on, `progress(ticketId, progress)` what came since */
  constructor(on) {
    this.#streams = Array.from({ length: mostStreams }, () => new TicketEvents(on));
  }

  isFollowed(ticketId) {
    return this.#streams.some((stream) => stream.ticketId === ticketId);
  }

  /** Follows the first of these; one that is followed already stays with its stream, so that it misses nothing. */
  follow(ticketIds) {
    const wanted = [...new Set(ticketIds)].slice(0, mostStreams);
    const missing = wanted.filter((id) => !this.isFollowed(id));
    this.#streams.filter((stream) => !wanted.includes(stream.ticketId)).forEach((stream) => stream.follow(missing.shift() ?? null));
  }
}

/** Follows what happens to one ticket by server-sent events. Not with EventSource, which cannot send a key. */
class TicketEvents {
  #on;
  #ticketId = null;
  #lastEventId = "";
  #failures = 0;
  #timer = 0;
  #abort = new AbortController();

  constructor(on) {
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.#restart());
  }

  /** The ticket that is followed; null: none. */
  get ticketId() {
    return this.#ticketId;
  }

  /** Follows this ticket, and no other; null: none. */
  follow(ticketId) {
    if (ticketId !== this.#ticketId) {
      this.#ticketId = ticketId;
      this.#lastEventId = "";
      this.#failures = 0;
      this.#restart();
    }
  }

  #restart() {
    clearTimeout(this.#timer);
    this.#abort.abort();
    if (this.#ticketId !== null && !document.hidden) {
      this.#abort = new AbortController();
      this.#listen(this.#ticketId, this.#abort);
    }
  }

  async #listen(ticketId, abort) {
    try {
      const last = this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {};
      const headers = { ...authorization(), Accept: "text/event-stream", ...last };
      const response = await fetch(`${ticketPath(ticketId)}/events`, { cache: "no-store", signal: abort.signal, headers });
      if (response.ok && response.body) {
        await this.#readAll(response.body, ticketId, abort);
      }
    } catch {
      // Cut off, or never connected: both are tried again.
    }

    if (!abort.signal.aborted) {
      this.#failures += 1;
      this.#timer = setTimeout(() => this.#restart(), backOff(this.#failures) * 1000);
    }
  }

  async #readAll(stream, ticketId, abort) {
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await withinSilence(reader);
      if (done || abort.signal.aborted) {
        return;
      }

      const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = events.pop();
      events.forEach((event) => this.#take(event, ticketId));
    }
  }

  #take(event, ticketId) {
    const field = (name) => event.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field("data");
    if (data !== undefined) {
      this.#lastEventId = field("id") ?? this.#lastEventId;
      this.#failures = 0;
      const told = JSON.parse(data);
      field("event") === "progress" ? this.#on.progress(ticketId, told) : this.#on.ticket(told);
    }
  }
}

/** Reads on; gives up on a connection that is silent for too long, which nobody else would notice. */
async function withinSilence(reader) {
  const watchdog = setTimeout(() => reader.cancel().catch(() => {}), silence);
  try {
    return await reader.read();
  } finally {
    clearTimeout(watchdog);
  }
}
