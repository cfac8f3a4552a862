import { account, onAccountChange } from "./account.js";
import { askForKey } from "./account-panel.js";
import { announce } from "./announcer.js";
import { listTickets } from "./api.js";
import { sentence, setText, shortId } from "./format.js";
import { LinkedTicket } from "./linked-ticket.js";
import { Poller } from "./poller.js";
import { TicketStreams } from "./ticket-events.js";
import { ticketAddress, TicketView } from "./ticket-view.js";
import { answerOf, describe, isOpen, stateOf } from "./ticket-words.js";

const pageSize = 20;
// While something is in progress, and while nothing is.
const livePause = 2;
const idlePause = 10;
const longestSaid = 200;

const part = (id) => document.getElementById(id);
const [section, list, empty, filter, paging] = ["tickets", "list", "empty", "filter", "paging"].map(part);

const tickets = new Map();
const views = new Map();
const heardAt = new Map();
// The cursor of each page from the newest to the one that is shown.
let cursors = [null];
let next = null;
let isLoaded = false;
let wantsFocus = "";

const poller = new Poller(readPage);
const streams = new TicketStreams({ ticket: take, progress: takeProgress });
const linked = new LinkedTicket({ learn, makeView });

/** Shows the user's tickets, and keeps them up to date. */
export function startList() {
  filter.addEventListener("change", () => turnTo([null]));
  part("newer").addEventListener("click", () => turnPage(cursors.slice(0, -1)));
  part("older").addEventListener("click", () => turnPage([...cursors, next]));
  part("linked-close").addEventListener("click", close);
  onAccountChange(() => load([null]));
  addEventListener("hashchange", openLinked);
  setInterval(() => [...views.values(), linked.view].forEach((view) => view?.tick()), 1000);
  openLinked();
  poller.now();
}

/** Shows a ticket that was just submitted. */
export function addSubmitted(ticket) {
  if (cursors.length > 1 || filter.value !== "") {
    filter.value = "";
    load([null]);
  }

  tickets.set(ticket.id, ticket);
  learn(ticket);
  poller.now();
}

/** Takes in how a ticket is now. */
function learn(ticket) {
  take(withProgress(known(ticket.id), ticket));
}

function take(ticket) {
  announceEnd(known(ticket.id), ticket);
  keep(ticket);
  show();
}

function keep(ticket) {
  heardAt.set(ticket.id, performance.now());
  if (tickets.has(ticket.id)) {
    tickets.set(ticket.id, ticket);
  } else if (linked.id === ticket.id) {
    linked.show(ticket);
  }
}

/** Adds to a ticket what its run has told since: text grows, a fraction replaces the one before. That touches this ticket alone. */
function takeProgress(id, { status, fraction, text, queue }) {
  const ticket = known(id);
  if (ticket && isOpen(ticket)) {
    const before = ticket.progress;
    const progress = { fraction: fraction ?? before?.fraction ?? null, text: (before?.text ?? "") + (text ?? "") };
    const now = { ...ticket, status, queue: queue ?? null, progress };
    keep(now);
    status === ticket.status ? views.get(id)?.update(now) : show();
  }
}

/** Only events tell of progress: where a ticket comes from elsewhere, what they told about the same attempt still holds. */
function withProgress(before, now) {
  const holds = before?.progress && before.attempt === now.attempt && isOpen(now) && streams.isFollowed(now.id);
  return holds ? { ...now, progress: before.progress } : now;
}

const known = (id) => tickets.get(id) ?? (linked.id === id ? linked.ticket : null);

async function readPage() {
  const [userId, status, shown] = [account.userId, filter.value, cursors];
  if (userId === "") {
    isLoaded = true;
    show();
    return { problem: null, next: null };
  }

  const asked = performance.now();
  const { body, problem } = await listTickets({ userId, status, cursor: shown.at(-1), limit: pageSize });
  if (userId !== account.userId || status !== filter.value || shown !== cursors) {
    return { problem, next: 0 };
  }

  showProblem(problem);
  isLoaded ||= !problem?.isOutage;
  if (body?.results) {
    takePage(body, asked);
  } else {
    show();
  }

  return { problem, next: problem || ![...tickets.values()].some(isOpen) ? idlePause : livePause };
}

/** What was heard of a ticket since the page was asked for is newer than the page. */
function takePage(page, asked) {
  const isNewer = (id) => heardAt.get(id) > asked;
  const kept = [...tickets.values()].filter(({ id }) => isNewer(id));
  const before = new Map(tickets);
  tickets.clear();
  [...kept.filter(({ id }) => page.results.every((ticket) => ticket.id !== id)), ...page.results].forEach((ticket) => {
    const now = isNewer(ticket.id) ? before.get(ticket.id) ?? ticket : withProgress(before.get(ticket.id), ticket);
    announceEnd(before.get(ticket.id), now);
    tickets.set(ticket.id, now);
  });
  [...heardAt.keys()].filter((id) => known(id) === null).forEach((id) => heardAt.delete(id));
  next = page.next;
  show();
}

function turnPage(pages) {
  turnTo(pages);
  section.focus();
  announce(`Page ${pages.length}`);
}

function turnTo(pages) {
  setAddress("");
  load(pages);
}

function load(pages) {
  cursors = pages;
  next = null;
  isLoaded = false;
  tickets.clear();
  heardAt.clear();
  show();
  poller.now();
}

function show() {
  const newestFirst = (a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1);
  const sorted = [...tickets.values()].sort(newestFirst);
  const hadFocus = list.contains(document.activeElement);
  [...views.keys()].filter((id) => !tickets.has(id)).forEach((id) => {
    views.get(id).element.remove();
    views.delete(id);
  });
  sorted.forEach((ticket, i) => {
    views.has(ticket.id) ? views.get(ticket.id).update(ticket) : views.set(ticket.id, makeView(ticket));
    const { element } = views.get(ticket.id);
    list.children[i] === element || list.insertBefore(element, list.children[i] ?? null);
    views.get(ticket.id).isOpen = ticket.id === linkedId();
  });
  if (hadFocus && !list.contains(document.activeElement)) {
    section.focus();
  }

  linked.open(isLoaded && !tickets.has(linkedId()) ? linkedId() : "");
  focusLinked();
  showAround(sorted);
  followSome(sorted.filter(isOpen));
}

/** The ticket that is looked at comes first, then those that run, since their answers may grow. */
function followSome(open) {
  const opened = [tickets.get(linkedId()) ?? linked.ticket].filter((ticket) => ticket && isOpen(ticket));
  const running = open.filter(({ status }) => status !== "queued");
  streams.follow([...opened, ...running, ...open].map(({ id }) => id));
}

function showAround(sorted) {
  const open = sorted.filter(isOpen).length;
  section.setAttribute("aria-busy", String(!isLoaded));
  document.title = open > 0 ? `(${open}) TicketApp` : "TicketApp";
  // What could not be read may have tickets.
  empty.hidden = !isLoaded || sorted.length > 0 || !part("list-problem").hidden;
  const isFiltered = filter.value !== "";
  setText(part("empty-title"), isFiltered ? "None of these" : cursors.length > 1 ? "No older ones" : "No tickets yet");
  setText(
    part("empty-text"),
    !isFiltered ? "Submit one. It is shown here, and its answer when it comes."
      : next ? "None among the newest. Look at older ones."
      : "Show all, or wait for some.",
  );
  part("filters").hidden = account.userId === "";
  paging.hidden = cursors.length === 1 && next === null;
  part("newer").disabled = cursors.length === 1;
  part("older").disabled = next === null;
  setText(part("page"), `Page ${cursors.length}`);
}

function showProblem(problem) {
  const isShown = problem !== null && !problem.isOutage;
  part("list-problem").hidden = !isShown;
  const wantsKey = problem?.status === 401;
  setText(
    part("list-problem"),
    wantsKey ? "To see your tickets, take their user, with the key, under “Your user”." : isShown ? sentence(problem.message) : "",
  );
  if (wantsKey) {
    askForKey();
  }
}

function makeView(ticket) {
  return new TicketView(ticket, {
    toggled: (isOpened) => {
      setAddress(isOpened ? ticketAddress(ticket.id) : "");
      show();
    },
    changed: learn,
  });
}

/** Opens the ticket that the address names. */
function openLinked() {
  wantsFocus = linkedId();
  show();
}

function focusLinked() {
  const view = views.get(wantsFocus) ?? (wantsFocus === linked.id ? linked.view : null);
  if (view) {
    wantsFocus = "";
    view.focus();
  }
}

function close() {
  setAddress("");
  show();
  section.focus();
}

const setAddress = (hash) => history.replaceState(null, "", location.pathname + location.search + hash);

const linkedId = () => decodeURIComponent(/^#\/tickets\/([^/]{1,100})$/.exec(location.hash)?.[1] ?? "");

function announceEnd(before, now) {
  if (before && isOpen(before) && !isOpen(now)) {
    const words = answerOf(now) || describe(now);
    announce(`Ticket ${shortId(now.id)}: ${stateOf(now).label}. ${words.slice(0, longestSaid)}`);
  }
}
