const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const large = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });

/** 14:03:07.125, of milliseconds since 1970. */
export const time = (milliseconds) => clock.format(milliseconds);

/** 850 µs, 3.2 ms, 1.4 s, 2 m 5 s. */
export function duration(milliseconds) {
  if (milliseconds < 1) {
    return `${Math.round(milliseconds * 1000)} µs`;
  }

  if (milliseconds < 1000) {
    return `${number.format(milliseconds)} ms`;
  }

  return milliseconds < 60_000 ? `${number.format(milliseconds / 1000)} s` : age(milliseconds);
}

/** 12 s, 3 m, 3 m 20 s, 2 h 5 m, 3 d 4 h. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [big, small] = seconds < 3600 ? [60, 1] : seconds < 86_400 ? [3600, 60] : [86_400, 3600];
  const names = { 1: "s", 60: "m", 3600: "h", 86_400: "d" };
  const rest = Math.floor((seconds % big) / small);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / big)} ${names[big]}${rest ? ` ${rest} ${names[small]}` : ""}`;
}

/** A value in the unit of its instrument, as UCUM writes it: By, s, ms, {request}, 1. */
export function quantity(value, unit) {
  if (unit === "s" || unit === "ms") {
    return duration(unit === "s" ? value * 1000 : value);
  }

  if (unit === "By") {
    const step = value === 0 ? 0 : Math.min(4, Math.max(0, Math.floor(Math.log2(Math.abs(value)) / 10)));
    return `${number.format(value / 1024 ** step)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`;
  }

  const plain = (Math.abs(value) < 10_000 ? number : large).format(value);
  return unit && unit !== "1" && !unit.startsWith("{") ? `${plain} ${unit}` : plain;
}

const levels = [[21, "Critical"], [17, "Error"], [13, "Warning"], [9, "Information"], [5, "Debug"], [0, "Trace"]];

/** The name of a severity. */
export const level = (severity) => levels.find(([from]) => severity >= from)[1];
