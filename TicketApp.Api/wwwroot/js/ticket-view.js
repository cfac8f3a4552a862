import { announce } from "./announcer.js";
import { account } from "./account.js";
import { cancelTicket, retryTicket, ticketPath } from "./api.js";
import { copyText } from "./clipboard.js";
import { count, dateAndTime, duration, exactDuration, sentence, setText, shortId, since } from "./format.js";
import { answerOf, canCancel, canRetry, describe, fractionOf, isOpen, stateOf, textOf } from "./ticket-words.js";

const template = document.getElementById("ticket-template");
const copiedFor = 1500;
// Set as running text from here on.
const longAnswer = 120;
// As much as a ticket shows of what it was asked and answered until it is opened.
const [askedClip, answerClip] = [300, 1000];

/** Where the page shows one ticket. */
export const ticketAddress = (id) => `#/tickets/${encodeURIComponent(id)}`;

/** One ticket. Its elements are made once and changed in place, so that focus and selection stay where they are. */
export class TicketView {
  #ticket;
  #told = "";
  #on;

  /** @param on what it does: `toggled(isOpen)` asks for its details, `changed(ticket)` tells of what its buttons did */
  constructor(ticket, on) {
    this.#on = on;
    this.element = template.content.firstElementChild.cloneNode(true);
    const name = `ticket ${shortId(ticket.id)}`;
    this.#part("id-head").textContent = ticket.id.slice(0, -8);
    this.#part("id-tail").textContent = ticket.id.slice(-8);
    this.#part("details").id = `details-${ticket.id}`;
    this.#part("toggle").setAttribute("aria-controls", `details-${ticket.id}`);
    this.#name("toggle", `Details of ${name}`);
    this.#name("copy", `Copy the ID of ${name}`);
    this.#name("cancel", `Cancel ${name}`);
    this.#name("retry", `Retry ${name}`);
    this.#name("ticket", `Ticket ${shortId(ticket.id)}`);
    this.#part("toggle").addEventListener("click", () => this.#on.toggled(!this.isOpen));
    this.#part("cancel").addEventListener("click", ({ target }) => this.#change(target, cancelTicket));
    this.#part("retry").addEventListener("click", ({ target }) => this.#change(target, retryTicket));
    this.element.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => this.#copy(button)));
    this.update(ticket);
  }

  get isOpen() {
    return this.#part("toggle").ariaExpanded === "true";
  }

  set isOpen(isOpened) {
    if (isOpened !== this.isOpen) {
      this.#part("toggle").ariaExpanded = String(isOpened);
      this.#part("details").hidden = !isOpened;
      this.#showTexts();
    }
  }

  focus() {
    this.#part("ticket").focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** Shows how the ticket is now. Most refreshes bring nothing new, and cost nothing. */
  update(ticket) {
    const told = JSON.stringify(ticket);
    if (told === this.#told) {
      return;
    }

    this.#told = told;
    this.#ticket = ticket;
    const { label, icon, tone } = stateOf(ticket);
    const article = this.#part("ticket");
    article.dataset.state = ticket.status;
    article.dataset.tone = tone;
    article.querySelector(".state-icon use").setAttribute("href", `#icon-${icon}`);
    this.#set("state", label);
    this.#showTexts();
    this.#showSureness(ticket.response_details);
    this.#showProgress(ticket);
    this.#showAction("cancel", canCancel(ticket));
    this.#showAction("retry", canRetry(ticket));
    this.#showDetails(ticket);
    this.tick();
  }

  /** Brings what depends on the time up to date. */
  tick() {
    const { created_at: created, finished_at: finished, model } = this.#ticket;
    const time = finished ? exactDuration(Date.parse(finished) - Date.parse(created)) : duration(since(created));
    this.#set("meta", `${time} · ${model}`);
  }

  /** All of it where the ticket is opened, and while the answer grows. */
  #showTexts() {
    const ticket = this.#ticket;
    const answer = answerOf(ticket, this.isOpen);
    const isClipped = !this.isOpen && !isOpen(ticket) && answer.length > answerClip;
    const isJson = typeof ticket.response === "object" && ticket.response !== null;
    this.#set("asked", this.isOpen ? textOf(ticket.input, true) : textOf(ticket.input).slice(0, askedClip));
    this.#set("response", isClipped ? `${answer.slice(0, answerClip)}…` : answer);
    this.#set("note", isClipped ? `Open its details to see all ${count(answer.length)} characters.` : describe(ticket));
    this.#part("asked").classList.toggle("mono", this.isOpen && typeof ticket.input === "object");
    Object.entries({ long: isJson || answer.length > longAnswer, growing: isOpen(ticket), mono: isJson })
      .forEach(([name, isOn]) => this.#part("response").classList.toggle(name, isOn));
  }

  #showProgress(ticket) {
    const progress = this.#part("progress");
    const fraction = fractionOf(ticket);
    progress.hidden = !isOpen(ticket) || ticket.status === "queued";
    if (fraction === null) {
      progress.removeAttribute("value");
    } else {
      progress.value = fraction;
    }
  }

  #showSureness(details) {
    const probability = details?.probability;
    const isKnown = typeof probability === "number";
    this.#part("sureness").hidden = !isKnown;
    const percent = isKnown ? (probability * 100).toFixed(probability > 0.995 && probability < 1 ? 1 : 0) : "";
    this.#set("sureness", !isKnown ? "" : details.unsure === true ? `unsure, ${percent} %` : `${percent} % sure`);
  }

  #showDetails(ticket) {
    const time = (value) => (value ? dateAndTime(value) : "");
    this.#detail("submitted", time(ticket.created_at));
    this.#detail("started", time(ticket.started_at));
    this.#detail("finished", time(ticket.finished_at));
    this.#detail("expires", isOpen(ticket) ? time(ticket.expires_at) : "");
    this.#detail("purged", time(ticket.purge_at));
    this.#detail("priority", ticket.priority);
    this.#detail("attempt", ticket.attempt > 0 ? `${ticket.attempt} of ${ticket.max_attempts}` : "none yet");
    this.#detail("error", ticket.error ? `${ticket.error.type}: ${ticket.error.message}` : "");
    this.#detail("more", ticket.response_details ? unbraced(ticket.response_details) : "");
    this.#detail("user", ticket.user_id);
    this.#set("curl", this.#curl());
  }

  #curl() {
    const key = account.key === "" ? "" : " -H \"Authorization: Bearer $KEY\"";
    return `curl${key} '${new URL(ticketPath(this.#ticket.id), location.href).href}'`;
  }

  /** What is not known is not shown. */
  #detail(name, text) {
    const value = this.element.querySelector(`[data-detail=${name}]`);
    value.parentElement.hidden = !text;
    setText(value, text ?? "");
  }

  /** A button that goes from under the focus gives it to the ticket. */
  #showAction(name, isShown) {
    const button = this.#part(name);
    if (!isShown && button === document.activeElement) {
      this.#part("ticket").focus();
    }

    button.hidden = !isShown;
  }

  /** One call at a time. The button stays focusable, so that the focus is not lost. */
  async #change(button, call) {
    if (button.ariaBusy === "true") {
      return;
    }

    button.ariaBusy = "true";
    const { body, problem } = await call(this.#ticket.id);
    button.ariaBusy = "false";
    this.#showProblem(problem);
    if (body?.id) {
      announce(`Ticket ${shortId(body.id)}: ${stateOf(body).label}`);
      this.#on.changed(body);
    }
  }

  #showProblem(problem) {
    const text = problem ? `${sentence(problem.message)}${problem.isOutage ? " Nothing was changed; try again soon." : ""}` : "";
    this.#part("ticket-problem").hidden = text === "";
    this.#set("ticket-problem", text);
    if (text !== "") {
      announce(text);
    }
  }

  async #copy(button) {
    const { id } = this.#ticket;
    const texts = { id, link: new URL(ticketAddress(id), location.href).href, curl: this.#curl() };
    const isCopied = await copyText(texts[button.dataset.copy]);
    announce(isCopied ? "Copied" : "Could not copy");
    if (isCopied && !("copied" in button.dataset)) {
      showCopied(button);
    }
  }

  #part(name) {
    return this.element.querySelector(`.${name}`);
  }

  #name(part, name) {
    this.#part(part).setAttribute("aria-label", name);
  }

  #set(part, text) {
    setText(this.#part(part), text);
  }
}

/** What is between the braces of an object in JSON, one member a line. */
const unbraced = (details) => JSON.stringify(details, null, 1).replace(/^{\n|\n}$/g, "").replace(/^ /gm, "");

/** For a moment the icon becomes a tick, or the words say so. */
function showCopied(button) {
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
