import { readTicket } from "./api.js";

const mostAtOnce = 4;
const firstPause = 2;
const longestPause = 30;
const hiddenPause = 10;
const usualPause = 2;

/**
 * Asks for tickets until they are finished, each when the service said to come back. When the service is away all wait
 * together, longer each time, and one call at a time finds out whether it is back. Trouble with one ticket slows that one only.
 */
export class Poller {
  #due = new Map();
  #tries = new Map();
  #asking = new Set();
  #failures = 0;
  #pausedUntil = 0;
  #timer = 0;
  #onOutcome;
  #onTrouble;

  /**
   * @param onOutcome called with (ticketId, outcome of readTicket)
   * @param onTrouble called with (problem, time of the next try), and with (null) once the service answers again
   */
  constructor({ onOutcome, onTrouble }) {
    this.#onOutcome = onOutcome;
    this.#onTrouble = onTrouble;
    document.addEventListener("visibilitychange", () => this.#schedule());
  }

  /** Asks for the ticket from now on. */
  watch(ticketId, seconds = 0) {
    this.#due.set(ticketId, Date.now() + seconds * 1000);
    this.#tries.delete(ticketId);
    this.#schedule();
  }

  forget(ticketId) {
    this.#due.delete(ticketId);
    this.#tries.delete(ticketId);
  }

  /** When the ticket is asked for next; null while it is being asked for, or not watched. */
  nextLook(ticketId) {
    const due = this.#due.get(ticketId);
    return due === undefined || this.#asking.has(ticketId) ? null : Math.max(due, this.#pausedUntil);
  }

  /** Ends a pause. */
  tryNow() {
    this.#pausedUntil = 0;
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    const most = this.#failures > 0 ? 1 : mostAtOnce;
    const next = [...this.#due].filter(([id]) => !this.#asking.has(id)).sort((a, b) => a[1] - b[1])[0];
    if (next && this.#asking.size < most) {
      const wait = Math.max(next[1], this.#pausedUntil) - Date.now();
      this.#timer = setTimeout(() => this.#ask(next[0]), Math.max(0, wait));
    }
  }

  async #ask(ticketId) {
    this.#asking.add(ticketId);
    this.#schedule();
    const outcome = await readTicket(ticketId);
    this.#asking.delete(ticketId);
    this.#note(outcome.problem);
    if (this.#due.has(ticketId)) {
      this.#due.set(ticketId, Date.now() + this.#pause(ticketId, outcome) * 1000);
      this.#onOutcome(ticketId, outcome);
    }

    this.#schedule();
  }

  #pause(ticketId, { problem, retryAfter }) {
    const tries = problem ? (this.#tries.get(ticketId) ?? 0) + 1 : 0;
    this.#tries.set(ticketId, tries);
    return Math.max(retryAfter ?? usualPause, problem && !problem.isOutage ? backOff(tries) : 0, document.hidden ? hiddenPause : 0);
  }

  #note(problem) {
    if (problem?.isOutage) {
      this.#failures += 1;
      this.#pausedUntil = Date.now() + Math.max(backOff(this.#failures), problem.retryAfter ?? 0) * 1000;
      this.#onTrouble(problem, this.#pausedUntil);
    } else if (this.#failures > 0) {
      this.#failures = 0;
      this.#pausedUntil = 0;
      this.#onTrouble(null);
    }
  }
}

/** 2, 4, 8 … 30 seconds, give or take a fifth, so that many pages do not come back at once. */
const backOff = (tries) => Math.min(longestPause, firstPause * 2 ** (tries - 1)) * (0.8 + Math.random() * 0.4);
