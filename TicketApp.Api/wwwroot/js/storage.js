/** The browser's storage; where it is switched off or full, what is kept lasts as long as the page. */
export const storage = {
  read: (key) => (memory.has(key) ? memory.get(key) : attempt(() => localStorage.getItem(key))) ?? "",

  write(key, text) {
    memory.delete(key);
    if (attempt(() => localStorage.setItem(key, text)) === failed) {
      memory.set(key, text);
    }
  },
};

const memory = new Map();
const failed = null;

function attempt(action) {
  try {
    return action();
  } catch {
    return failed;
  }
}
