const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const dateAndTime = (milliseconds) => clock.format(milliseconds);

/** 7 s, 1 min 05 s, 2 h 03 min */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 60) {
    return `${seconds} s`;
  }

  return seconds < 3600
    ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
    : `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

/** The end of an id, which is the part that differs, for reading aloud. */
export const shortId = (id) => id.slice(-6);

/** When a UUID of version 7 was made, in milliseconds; null for any other text. */
export function timeOfId(id) {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id);
  return match ? parseInt(match[1] + match[2], 16) : null;
}
