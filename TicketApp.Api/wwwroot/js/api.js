// The resource API. No function here throws: what goes wrong is an outcome, with a problem in words.

import { account } from "./account.js";
import { noteServerTime, sentence } from "./format.js";

const patience = 15_000;

/** Creates a user. */
export const createUser = () => call("POST", "/v1/users");

/** Submits a ticket, a JSON text. With the same idempotency key it is stored once, however often it is sent. */
export const submitTicket = (json, idempotencyKey) => call("POST", "/v1/tickets", json, { "Idempotency-Key": idempotencyKey });

export const readTicket = (ticketId) => call("GET", ticketPath(ticketId));

/** A page of a user's tickets, newest first. */
export function listTickets({ userId, status, cursor, limit }) {
  const query = new URLSearchParams({ user_id: userId, limit });
  status && query.set("status", status);
  cursor && query.set("cursor", cursor);
  return call("GET", `/v1/tickets?${query}`);
}

export const cancelTicket = (ticketId) => call("POST", `${ticketPath(ticketId)}/cancel`);

export const retryTicket = (ticketId) => call("POST", `${ticketPath(ticketId)}/retry`);

export const listModels = () => call("GET", "/v1/models");

/** One model, with the JSON Schema of its input if it has one. */
export const readModel = (name) => call("GET", `/v1/models/${encodeURIComponent(name)}`);

export const readStats = () => call("GET", "/v1/stats");

/** Whether the service is ready: "healthy", "unhealthy" or "unreachable". */
export async function readHealth() {
  const { status } = await call("GET", "/health");
  return status === 0 ? "unreachable" : status === 200 ? "healthy" : "unhealthy";
}

export const ticketPath = (ticketId) => `/v1/tickets/${encodeURIComponent(ticketId)}`;

/** What every request carries that acts for the user. */
export const authorization = () => (account.key === "" ? {} : { Authorization: `Bearer ${account.key}` });

/** Sends a request: `{ status, body, problem }`, where the problem is null if it went well. */
async function call(method, path, json, headers = {}) {
  try {
    const response = await fetch(path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
      headers: { ...authorization(), ...headers, ...(json ? { "Content-Type": "application/json" } : {}) },
      body: json,
    });
    noteServerTime(response.headers.get("Date"));
    const text = await response.text();
    const answer = parse(text);
    return { status: response.status, body: answer, problem: response.ok ? null : problemOf(response, answer) };
  } catch {
    return { status: 0, body: null, problem: unreachable };
  }
}

const unreachable = { status: 0, type: "", message: "The service cannot be reached", errors: {}, retryAfter: null, isOutage: true };

// What the page does about these by itself, or says with its own words, instead of the advice for programs.
const ownWords = {
  "too-many-requests": "You are asking too often",
  overloaded: "The service is at its limit",
  unavailable: "The service is temporarily unavailable",
  "key-required": "This service wants a key",
};

/** What an answer says went wrong. It is an outage where any other request would end the same way: then waiting is all there is to do. */
export function problemOf(response, body) {
  const { status } = response;
  const type = typeof body?.type === "string" ? body.type.split("#").at(-1) : "";
  const told = [body?.title, body?.detail].filter((text) => typeof text === "string" && text !== "").map(sentence).join(" ");
  return {
    status,
    type,
    message: (ownWords[type] ?? told) || `The service answered with status ${status}`,
    errors: body?.errors ?? {},
    retryAfter: secondsOf(response.headers.get("Retry-After")),
    isOutage: [502, 503, 504].includes(status) || (status === 429 && type !== "too-many-open-tickets"),
  };
}

/** Retry-After is a number of seconds or a date. */
function secondsOf(header) {
  if (!header) {
    return null;
  }

  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

// JSON has integers of any size, JavaScript has not: long ones stay as they were written, where the browser can keep them.
const exact = (_, value, { source } = {}) =>
  (typeof value === "number" && /^-?\d{16,}$/.test(source) && JSON.rawJSON ? JSON.rawJSON(source) : value);

function parse(text) {
  try {
    return JSON.parse(text, exact);
  } catch {
    return null;
  }
}
