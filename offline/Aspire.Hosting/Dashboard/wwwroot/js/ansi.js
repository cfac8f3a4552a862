import { h } from "./dom.js";

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Text with the colours that a program wrote into it; other control sequences are left out. */
export function ansi(text) {
  const parts = [];
  let classes = new Set();
  for (const part of text.split(/(\x1b\[[0-9;?]*[A-Za-z])/)) {
    if (!part.startsWith("\x1b[")) {
      if (part) {
        parts.push(classes.size ? h("span", { class: [...classes].join(" ") }, part) : part);
      }
    } else if (part.endsWith("m")) {
      classes = part.slice(2, -1).split(";").map(Number).reduce(apply, classes);
    }
  }

  return parts;
}

function apply(classes, code) {
  const colour = code >= 30 && code <= 37 ? names[code - 30] : code >= 90 && code <= 97 ? names[code - 90] : null;
  const isColour = colour !== null || code === 39;
  const next = code === 0 ? new Set() : new Set([...classes].filter((name) => !(isColour && name.startsWith("ansi-"))));
  if (colour) {
    next.add(`ansi-${colour}`);
  } else if (code === 1) {
    next.add("bold");
  }

  return next;
}
