const pause = 400;

let pending = [];
let timer = 0;

/** Says something to screen readers, politely; what comes at once is said together. */
export function announce(text) {
  pending.push(text.replace(/[.\s]+$/, ""));
  clearTimeout(timer);
  timer = setTimeout(() => {
    const said = pending.length > 4 ? [...pending.slice(0, 3), `and ${pending.length - 3} more`] : pending;
    document.getElementById("live").textContent = said.join(". ");
    pending = [];
  }, pause);
}
