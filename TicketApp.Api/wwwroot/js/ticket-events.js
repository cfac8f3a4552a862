import { authorization, ticketPath } from "./api.js";
import { backOff } from "./connection.js";

// The server says something every 15 seconds.
const silence = 40_000;

/** Follows what happens to one ticket by server-sent events. Not with EventSource, which cannot send a key. */
export class TicketEvents {
  #onTicket;
  #ticketId = null;
  #lastEventId = "";
  #failures = 0;
  #timer = 0;
  #abort = new AbortController();

  /** @param onTicket called with the ticket at each event */
  constructor(onTicket) {
    this.#onTicket = onTicket;
    document.addEventListener("visibilitychange", () => this.#restart());
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
      const headers = { ...authorization(), Accept: "text/event-stream", ...(this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {}) };
      const response = await fetch(`${ticketPath(ticketId)}/events`, { cache: "no-store", signal: abort.signal, headers });
      if (response.ok && response.body) {
        await this.#readAll(response.body, abort);
      }
    } catch {
      // Cut off, or never connected: both are tried again.
    }

    if (!abort.signal.aborted) {
      this.#failures += 1;
      this.#timer = setTimeout(() => this.#restart(), backOff(this.#failures) * 1000);
    }
  }

  async #readAll(stream, abort) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const watchdog = setTimeout(() => reader.cancel(), silence);
      const { done, value } = await reader.read();
      clearTimeout(watchdog);
      if (done || abort.signal.aborted) {
        return;
      }

      const events = (text + value).split("\n\n");
      text = events.pop();
      events.forEach((event) => this.#take(event));
    }
  }

  #take(event) {
    const field = (name) => event.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field("data");
    if (data !== undefined) {
      this.#lastEventId = field("id") ?? this.#lastEventId;
      this.#failures = 0;
      this.#onTicket(JSON.parse(data));
    }
  }
}
