// This browser's user and tickets. Each ticket has a key of its own, so that two tabs do not overwrite each other's.

import { isFinished, states } from "./states.js";

const userKey = "ticketapp.user";
const ticketPrefix = "ticketapp.ticket.";
const mostTickets = 200;

const storage = available();

export const readUser = () => storage.getItem(userKey) ?? "";

export const writeUser = (userId) => storage.setItem(userKey, userId);

/** All tickets, newest first. */
export function readTickets() {
  return Object.keys(storage)
    .filter((key) => key.startsWith(ticketPrefix))
    .map((key) => parse(storage.getItem(key)))
    .filter((ticket) => ticket !== null)
    .sort((a, b) => b.submittedAt - a.submittedAt);
}

/** Keeps a ticket; makes room by forgetting the oldest finished ones. */
export function writeTicket(ticket) {
  const finished = readTickets().filter((other) => other.id !== ticket.id && isFinished(other));
  const surplus = finished.slice(Math.max(0, mostTickets - 1));
  surplus.forEach((old) => removeTicket(old.id));
  try {
    storage.setItem(ticketPrefix + ticket.id, JSON.stringify(ticket));
  } catch {
    // Full: the page still shows it, only a reload will not.
  }
}

export const removeTicket = (ticketId) => storage.removeItem(ticketPrefix + ticketId);

/** Calls `changed(ticketId, ticket or null)` when another tab changes a ticket. */
export function onOtherTab(changed) {
  addEventListener("storage", ({ key, newValue }) => {
    if (key?.startsWith(ticketPrefix)) {
      changed(key.slice(ticketPrefix.length), parse(newValue));
    }
  });
}

function parse(text) {
  try {
    const ticket = JSON.parse(text);
    return typeof ticket?.id === "string" && Number.isFinite(ticket.submittedAt) && ticket.state in states ? ticket : null;
  } catch {
    return null;
  }
}

/** The browser's storage; where it is switched off, a stand-in that lasts as long as the page. */
function available() {
  try {
    localStorage.getItem(userKey);
    return localStorage;
  } catch {
    const page = {};
    const define = (name, value) => Object.defineProperty(page, name, { value });
    define("getItem", (key) => page[key] ?? null);
    define("setItem", (key, value) => { page[key] = value; });
    define("removeItem", (key) => { delete page[key]; });
    return page;
  }
}
