import { announce } from "./announcer.js";
import { ticketPath } from "./api.js";
import { copyText } from "./clipboard.js";
import { dateAndTime, duration, shortId } from "./format.js";
import { isFinished, states } from "./states.js";

const template = document.getElementById("ticket-template");
const copiedFor = 1500;

/** One ticket in the list. Its elements are made once and changed in place, so that focus and selection stay where they are. */
export class TicketView {
  #ticket;
  #on;
  #parts;

  /** @param on what its buttons do: `toggled(isOpen)`, `check()`, `remove()`, and `nextLook()` for the time of the next look */
  constructor(ticket, on) {
    this.#on = on;
    this.element = template.content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      article: part(".ticket"), icon: part(".state-icon use"), state: part(".state"), elapsed: part(".elapsed"), response: part(".response"),
      note: part(".note"), toggle: part(".toggle"), details: part(".details"), check: part("[data-action=check]"),
    };
    part(".id-head").textContent = ticket.id.slice(0, -8);
    part(".id-tail").textContent = ticket.id.slice(-8);
    const name = `ticket ${shortId(ticket.id)}`;
    this.#parts.details.id = `details-${ticket.id}`;
    this.#parts.toggle.setAttribute("aria-controls", this.#parts.details.id);
    this.#parts.toggle.setAttribute("aria-label", `Details of ${name}`);
    part(".copy").setAttribute("aria-label", `Copy the ID of ${name}`);
    this.#parts.toggle.addEventListener("click", () => this.#on.toggled(!this.isOpen));
    this.#parts.check.addEventListener("click", () => this.#on.check());
    part("[data-action=remove]").addEventListener("click", () => this.#on.remove());
    this.element.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => this.#copy(button)));
    this.update(ticket);
  }

  get isOpen() {
    return this.#parts.toggle.ariaExpanded === "true";
  }

  set isOpen(open) {
    this.#parts.toggle.ariaExpanded = String(open);
    this.#parts.details.hidden = !open;
  }

  focus() {
    this.#parts.article.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  update(ticket) {
    this.#ticket = ticket;
    const { article, icon, state, response, check } = this.#parts;
    article.dataset.state = ticket.state;
    icon.setAttribute("href", `#icon-${ticket.state}`);
    state.textContent = states[ticket.state].label;
    response.textContent = ticket.response ?? "";
    check.hidden = isFinished(ticket) && ticket.state !== "gone";
    this.#detail("submitted", ticket.isTimeKnown === false ? "unknown" : dateAndTime(ticket.submittedAt));
    this.#detail("finished", this.#finished());
    this.#detail("user", ticket.userId ?? "not submitted in this browser");
    this.#detail("answer", ticket.status ? `${ticket.status} ${ticket.message || "with the response"}` : "none yet");
    this.tick();
  }

  /** Brings what depends on the time up to date. */
  tick() {
    const { elapsed, note } = this.#parts;
    const ticket = this.#ticket;
    const end = isFinished(ticket) ? (ticket.isEndSeen ? ticket.finishedAt : null) : Date.now();
    setText(elapsed, end === null || ticket.isTimeKnown === false ? "" : duration(end - ticket.submittedAt));
    setText(note, states[ticket.state].note ?? this.#whatNext());
  }

  #finished() {
    const { state, finishedAt, isEndSeen } = this.#ticket;
    if (!isFinished(this.#ticket)) {
      return "not yet";
    }

    return state === "gone" ? "unknown" : `${isEndSeen ? "" : "by "}${dateAndTime(finishedAt)}`;
  }

  #whatNext() {
    const nextLook = this.#on.nextLook();
    const seconds = nextLook === null ? 0 : Math.ceil((nextLook - Date.now()) / 1000);
    const next = seconds > 0 ? `Looking again in ${seconds} s.` : "Looking…";
    return this.#ticket.state === "error" ? `${this.#ticket.problem}. ${next}` : `No answer yet. ${next}`;
  }

  #detail(name, text) {
    setText(this.#parts.details.querySelector(`[data-detail=${name}]`), text);
  }

  async #copy(button) {
    const { id } = this.#ticket;
    const texts = {
      id: () => id,
      link: () => new URL(`#ticket=${encodeURIComponent(id)}`, location.href).href,
      curl: () => `curl -i '${new URL(ticketPath(id), location.href).href}'`,
    };
    const copied = await copyText(texts[button.dataset.copy]());
    announce(copied ? "Copied" : "Could not copy");
    if (copied && !("copied" in button.dataset)) {
      this.#showCopied(button);
    }
  }

  /** For a moment the icon becomes a tick, or the words say so. */
  #showCopied(button) {
    const icon = button.querySelector("use");
    const before = button.textContent;
    button.dataset.copied = "";
    const show = (iconName, words) => (icon ? icon.setAttribute("href", iconName) : (button.textContent = words));
    show("#icon-copied", "Copied");
    setTimeout(() => {
      delete button.dataset.copied;
      show("#icon-copy", before);
    }, copiedFor);
  }
}

function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
