import { noteOutcome, onRetry, pause } from "./connection.js";

/** Repeats a read while the page is visible: when it is due, and when the service is there. */
export class Poller {
  #read;
  #timer = 0;
  #isReading = false;
  #isWanted = false;

  /** @param read reads and shows; gives `{ problem, next }`, with the seconds to the next read, or null if none is wanted */
  constructor(read) {
    this.#read = read;
    onRetry(() => this.now());
    document.addEventListener("visibilitychange", () => this.now());
  }

  /** Reads at once, or as soon as the read in progress has ended. */
  now() {
    this.#isWanted = true;
    this.#schedule(0);
  }

  #schedule(seconds) {
    clearTimeout(this.#timer);
    if (!document.hidden && !this.#isReading) {
      this.#timer = setTimeout(() => this.#run(), Math.max(seconds * 1000, pause()));
    }
  }

  async #run() {
    this.#isReading = true;
    this.#isWanted = false;
    const { problem, next } = await this.#read();
    this.#isReading = false;
    noteOutcome(problem);
    if (this.#isWanted || next !== null) {
      this.#schedule(this.#isWanted ? 0 : next);
    }
  }
}
