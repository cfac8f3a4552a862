// What a ticket can be, in words.

import { count, duration } from "./format.js";

/** The states by their names in the API. The icon of one is the symbol "icon-<icon>" of the page. */
const states = {
  queued: { label: "Queued", icon: "queued", tone: "waiting" },
  running: { label: "Running", icon: "running", tone: "waiting" },
  canceling: { label: "Canceling", icon: "running", tone: "quiet" },
  succeeded: { label: "Answered", icon: "answered", tone: "good" },
  failed: { label: "Failed", icon: "failed", tone: "bad" },
  timed_out: { label: "Timed out", icon: "timed-out", tone: "late" },
  expired: { label: "Expired", icon: "timed-out", tone: "late" },
  canceled: { label: "Canceled", icon: "canceled", tone: "quiet" },
};

export const stateOf = ({ status }) => states[status] ?? { label: status, icon: "queued", tone: "quiet" };

export const isOpen = ({ finished_at: end }) => end === null;

export const canCancel = ({ status }) => status === "queued" || status === "running";

export const canRetry = ({ status }) => ["failed", "timed_out", "expired", "canceled"].includes(status);

/** One or two sentences on how it stands; empty where the answer says it all. */
export function describe(ticket) {
  switch (ticket.status) {
    case "queued":
      return waiting(ticket);
    case "running":
      return [done(ticket), attempts(ticket)].filter(Boolean).join(" ");
    case "canceling":
      return "The worker was told to stop.";
    case "failed":
    case "timed_out":
    case "expired":
      return ended(ticket);
    case "canceled":
      return "Canceled before it was answered.";
    default:
      return "";
  }
}

/** How far the run is, from 0 to 1; null where its model does not say. */
export const fractionOf = ({ progress }) => (typeof progress?.fraction === "number" ? Math.min(1, Math.max(0, progress.fraction)) : null);

/** The answer, or as much of it as there is. */
export const answerOf = ({ response, progress }, inLines = false) => textOf(response ?? progress?.text, inLines);

/** What was asked or answered: a text, or any other JSON value, on one line or on several. */
export const textOf = (value, inLines = false) =>
  (typeof value === "string" ? value : JSON.stringify(value ?? undefined, null, inLines ? 2 : 0) ?? "");

const reasons = {
  no_workers: ({ model }) => `No worker serves ${model} now. It runs when one comes.`,
  at_capacity: () => "All workers are busy.",
  user_limit: () => "As many of your tickets run as may at once.",
  retry_backoff: ({ attempt, max_attempts: most }) => `Attempt ${attempt} of ${most} failed. The next one follows after a pause.`,
  model_unavailable: ({ model }) => `The model ${model} cannot be reached or takes no more. It is asked again, which costs no attempt.`,
  paused: () => "An operator has paused the queue.",
  broker_down: () => "The message broker is away. It runs when that is back.",
};

function waiting({ queue, ...ticket }) {
  const reason = queue?.wait_reason ? reasons[queue.wait_reason]?.(ticket) ?? `It waits: ${queue.wait_reason}.` : "On its way to a worker.";
  if (!queue || queue.wait_reason === "retry_backoff" || queue.wait_reason === "model_unavailable") {
    return queue ? reason : "";
  }

  const eta = queue.eta_seconds;
  const estimate = eta ? `An answer in about ${duration(eta.p50 * 1000)}, rarely more than ${duration(eta.p90 * 1000)}.` : "";
  return [reason, queue.wait_reason ? place(queue.position) : "", estimate].filter(Boolean).join(" ");
}

function place(position) {
  if (position === 1) {
    return "Next in line.";
  }

  return typeof position === "number" ? `Number ${count(position)} in line.` : "More than 1,000 are before it.";
}

const done = (ticket) => (fractionOf(ticket) === null ? "" : `${Math.floor(fractionOf(ticket) * 100)} % done.`);

const attempts = ({ attempt, max_attempts: most }) => (attempt > 1 ? `Attempt ${attempt} of ${most}.` : "");

const ends = {
  worker_lost: "Its worker was lost at each attempt.",
  execution_timeout: "Its run took longer than it may.",
};

function ended({ status, error, attempt }) {
  if (status === "timed_out") {
    return "No answer came within its time limit.";
  }

  if (status === "expired") {
    return "Its time ran out before a worker could start it.";
  }

  const times = attempt > 1 ? ` It was tried ${attempt} times.` : "";
  return (ends[error?.type] ?? (error?.message ? `The model said: ${error.message.replace(/\.$/, "")}.` : "It did not work out.")) + times;
}
