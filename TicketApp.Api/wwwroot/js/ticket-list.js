import { announce } from "./announcer.js";
import { shortId, timeOfId } from "./format.js";
import { Poller } from "./poller.js";
import { showTrouble, tickTrouble } from "./service-status.js";
import { isFinished, states } from "./states.js";
import { onOtherTab, readTickets, removeTicket, writeTicket } from "./store.js";
import { TicketView } from "./ticket-view.js";

const second = 1000;
// A ticket seen open this short a time ago was seen to end; after a longer absence nobody here knows when it did.
const closeEnough = 15 * second;

const list = document.getElementById("list");
const empty = document.getElementById("empty");
const summary = document.getElementById("summary");
const clear = document.getElementById("clear");

const tickets = new Map();
const views = new Map();
const poller = new Poller({ onOutcome: learn, onTrouble: showTrouble });

/** Shows the stored tickets and watches those that are not finished. */
export function startList() {
  readTickets().forEach((ticket) => show(ticket));
  onOtherTab((id, ticket) => (ticket ? show(ticket) : drop(id)));
  document.getElementById("banner-retry").addEventListener("click", () => poller.tryNow());
  clear.addEventListener("click", () => {
    [...tickets.values()].filter(isFinished).forEach(({ id }) => remove(id));
    document.getElementById("tickets").focus();
    announce("Finished tickets were removed from the list");
  });
  setInterval(() => {
    tickTrouble();
    tickets.forEach((ticket) => isFinished(ticket) || views.get(ticket.id).tick());
  }, second);
  addEventListener("hashchange", openLinked);
  refresh();
  openLinked();
}

/** Adds a ticket that was just submitted. */
export function addSubmitted(id, userId) {
  const ticket = { id, userId, submittedAt: Date.now(), state: "waiting", seenOpenAt: Date.now() };
  writeTicket(ticket);
  show(ticket);
}

function show(ticket) {
  tickets.set(ticket.id, ticket);
  const view = views.get(ticket.id);
  if (view) {
    view.update(ticket);
  } else {
    insert(ticket);
  }

  if (isFinished(ticket)) {
    poller.forget(ticket.id);
  } else if (!view) {
    poller.watch(ticket.id, ticket.seenOpenAt > Date.now() - second ? 1 : 0);
  }

  refresh();
}

function insert(ticket) {
  const view = new TicketView(ticket, {
    toggled: (isOpen) => open(ticket.id, isOpen),
    check: () => poller.watch(ticket.id),
    remove: () => removeAndMoveOn(ticket.id),
    nextLook: () => poller.nextLook(ticket.id),
  });
  const older = [...list.children].find((item) => Number(item.dataset.submitted) < ticket.submittedAt);
  view.element.dataset.submitted = ticket.submittedAt;
  list.insertBefore(view.element, older ?? null);
  views.set(ticket.id, view);
}

/** Takes in what the service said of a ticket. */
function learn(id, { state, response, message, status, problem }) {
  const before = tickets.get(id);
  const now = Date.now();
  // While the service as a whole is away the banner says so, and a ticket is what it was.
  const ticket = { ...before, state: problem?.isOutage ? before.state : state, response, message, status: status || before.status, problem: problem?.message };
  if (isFinished(ticket)) {
    ticket.finishedAt = now;
    ticket.isEndSeen = before.seenOpenAt > now - closeEnough;
    const words = state === "answered" ? response : states[state].note;
    announce(`Ticket ${shortId(id)}: ${states[state].label}. ${words}`);
  } else if (state === "waiting") {
    ticket.seenOpenAt = now;
  }

  writeTicket(ticket);
  show(ticket);
}

function remove(id) {
  removeTicket(id);
  drop(id);
}

function drop(id) {
  poller.forget(id);
  views.get(id)?.element.remove();
  views.delete(id);
  tickets.delete(id);
  if (linkedId() === id) {
    setHash("");
  }

  refresh();
}

/** Removes a ticket from under the focus, which goes to its neighbour. */
function removeAndMoveOn(id) {
  const { element } = views.get(id);
  const neighbour = element.nextElementSibling ?? element.previousElementSibling;
  remove(id);
  (neighbour?.querySelector(".toggle") ?? document.getElementById("tickets")).focus();
  announce("Removed from the list");
}

function open(id, isOpen) {
  views.get(id).isOpen = isOpen;
  if (isOpen) {
    setHash(`#ticket=${encodeURIComponent(id)}`);
  } else if (linkedId() === id) {
    setHash("");
  }
}

/** Opens the ticket that the address names; one that this browser does not have joins its list. */
function openLinked() {
  const id = linkedId();
  if (!id) {
    return;
  }

  if (!tickets.has(id)) {
    const time = timeOfId(id);
    const linked = { id, userId: null, submittedAt: Math.min(time ?? Date.now(), Date.now()), isTimeKnown: time !== null, state: "waiting", seenOpenAt: 0 };
    writeTicket(linked);
    show(linked);
  }

  views.get(id).isOpen = true;
  views.get(id).focus();
}

const linkedId = () => new URLSearchParams(location.hash.slice(1)).get("ticket")?.slice(0, 100) ?? "";

const setHash = (hash) => history.replaceState(null, "", location.pathname + location.search + hash);

function refresh() {
  const count = { waiting: 0 };
  tickets.forEach(({ state }) => { count[state] = (count[state] ?? 0) + 1; });
  const open = count.waiting + (count.error ?? 0);
  summary.textContent = Object.keys(states).filter((state) => count[state]).map((state) => `${count[state]}\u00a0${states[state].label.toLowerCase()}`).join(" · ");
  empty.hidden = tickets.size > 0;
  clear.hidden = tickets.size === open;
  document.title = open > 0 ? `(${open}) TicketApp` : "TicketApp";
}
