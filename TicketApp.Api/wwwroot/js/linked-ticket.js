import { askForKey } from "./account-panel.js";
import { account } from "./account.js";
import { readTicket } from "./api.js";
import { sentence } from "./format.js";
import { Poller } from "./poller.js";

const again = 10;
const slot = document.getElementById("linked");
const place = document.getElementById("linked-ticket");
const words = document.getElementById("linked-text");

/** The ticket that the address names, where it is not in the list: of another user, or of long ago. */
export class LinkedTicket {
  id = "";
  ticket = null;
  view = null;
  #makeView;
  #learn;
  #poller = new Poller(() => this.#read());

  /** @param on `learn(ticket)` for what was found out, and `makeView(ticket)` */
  constructor({ learn, makeView }) {
    this.#learn = learn;
    this.#makeView = makeView;
  }

  /** Looks for this ticket; an empty id ends it. */
  open(id) {
    if (id === this.id) {
      return;
    }

    this.id = id;
    this.ticket = null;
    this.view = null;
    place.replaceChildren();
    slot.hidden = id === "";
    this.#say("Looking for it…");
    if (id !== "") {
      this.#poller.now();
    }
  }

  show(ticket) {
    this.ticket = ticket;
    if (this.view) {
      this.view.update(ticket);
    } else {
      this.view = this.#makeView(ticket);
      this.view.isOpen = true;
      place.replaceChildren(this.view.element);
    }

    this.#say("");
  }

  async #read() {
    const { id } = this;
    if (id === "") {
      return { problem: null, next: null };
    }

    const { key } = account;
    const { body, problem } = await readTicket(id);
    // What one user may see is not for the next.
    if (id !== this.id || key !== account.key) {
      return { problem, next: null };
    }

    if (problem?.status === 401) {
      askForKey();
    }

    if (body?.id) {
      this.#learn(body);
    } else if (problem) {
      this.#say(this.#why(problem));
    }

    // Its events tell the rest.
    return { problem, next: problem?.isOutage ? again : null };
  }

  #why({ status, message }) {
    if (status === 404) {
      const others = account.key === "" ? "" : " If it is another user's, take that user, with the key, under “Your user”.";
      return `There is no ticket ${this.id}, or not any more.${others}`;
    }

    return status === 401 ? "To see this ticket, take its user, with the key, under “Your user”." : sentence(message);
  }

  #say(text) {
    words.textContent = text;
    words.hidden = text === "";
  }
}
