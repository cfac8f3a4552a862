/**
 * What a ticket can be, in words. The icon of a state is the symbol "icon-<name>" of the page.
 * Where `note` is null the poller says what happens next.
 */
export const states = {
  waiting: { label: "Waiting", isFinished: false, note: null },
  error: { label: "Cannot tell", isFinished: false, note: null },
  answered: { label: "Answered", isFinished: true, note: "" },
  "timed-out": { label: "Timed out", isFinished: true, note: "No answer came within the time limit." },
  failed: { label: "Failed", isFinished: true, note: "It did not work out, and no attempt is left." },
  canceled: { label: "Canceled", isFinished: true, note: "It was canceled before it was answered." },
  gone: { label: "Gone", isFinished: true, note: "The service does not know this ticket." },
};

export const isFinished = (ticket) => states[ticket.state].isFinished;
