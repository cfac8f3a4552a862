const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const number = new Intl.NumberFormat("en");

let ahead = 0;

/** Takes in what the service's clock says, since tickets carry its times. */
export function noteServerTime(header) {
  const time = Date.parse(header ?? "");
  if (Number.isFinite(time)) {
    // The header has whole seconds: less than that is no difference.
    const difference = time - Date.now();
    ahead = Math.abs(difference) > 1500 ? difference : 0;
  }
}

/** Milliseconds since then, on the service's clock. */
export const since = (time) => Math.max(0, Date.now() + ahead - Date.parse(time));

export const dateAndTime = (time) => clock.format(Date.parse(time));

export const count = (value) => number.format(value);

/** 7 s, 1 min 05 s, 2 h 03 min */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 60) {
    return `${seconds} s`;
  }

  return seconds < 3600
    ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
    : `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

/** 120 ms, 3.4 s, and from ten seconds on as above. */
export function exactDuration(milliseconds) {
  if (milliseconds < 1000) {
    return `${Math.max(0, Math.round(milliseconds))} ms`;
  }

  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : duration(milliseconds);
}

/** The end of an id, which is the part that differs, for reading aloud. */
export const shortId = (id) => id.slice(-6);

/** Text that ends as a sentence does. */
export const sentence = (text) => (/[!?…]$/.test(text) ? text : `${text.replace(/[.\s]+$/, "")}.`);

export const capitalized = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Changes text only where it is different, and adds to one that grows, so that a selection in it stays. */
export function setText(element, text) {
  const { textContent: before, firstChild: node } = element;
  if (before !== text) {
    const grows = node?.nodeType === Node.TEXT_NODE && text.startsWith(node.data) && node === element.lastChild;
    grows ? node.appendData(text.slice(node.length)) : (element.textContent = text);
  }
}
