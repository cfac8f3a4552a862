import { ansi } from "./ansi.js";
import { field, h, setOptions } from "./dom.js";

const mostLines = 5000;

/** What a resource writes to its console, as it writes it. */
export function showConsole(main, { path: [id], resources }) {
  const runnable = resources.filter((resource) => resource.commands.length > 0);
  const chosen = id ?? runnable.find((resource) => resource.type === "Project")?.id ?? runnable[0]?.id ?? "";
  const select = h("select", { change: () => { location.hash = `#/console/${encodeURIComponent(select.value)}`; } });
  const text = h("input", { type: "search", placeholder: "Lines with …", spellcheck: "false", input: filter });
  const follow = h("input", { type: "checkbox", checked: true, change: toEnd });
  const output = h("div", { class: "console panel", role: "log", "aria-live": "off", "aria-label": "Console", tabindex: "0", scroll: noteScroll });
  setOptions(select, runnable.map((resource) => [resource.id, resource.displayName]), chosen);
  main.append(
    h("div", { class: "toolbar" }, field("Resource", select), field("Filter", text), h("label", { class: "check" }, follow, "Follow")),
    output);

  let source = null;
  open(chosen);

  function open(resourceId) {
    source?.close();
    output.replaceChildren();
    select.value = resourceId;
    if (resourceId) {
      source = new EventSource(`/api/resources/${encodeURIComponent(resourceId)}/console`);
      // After a reconnect it all comes again.
      source.addEventListener("open", () => output.replaceChildren());
      source.addEventListener("message", ({ data }) => add(JSON.parse(data)));
    }
  }

  function add(lines) {
    const wanted = text.value.toLowerCase();
    output.append(...lines.map(({ number, text: content, isError }) => {
      const line = h("div", { class: isError ? "error" : null, "data-number": number }, ...ansi(content));
      line.hidden = !line.textContent.toLowerCase().includes(wanted);
      return line;
    }));
    while (output.childElementCount > mostLines) {
      output.firstElementChild.remove();
    }

    toEnd();
  }

  function filter() {
    const wanted = text.value.toLowerCase();
    [...output.children].forEach((line) => { line.hidden = !line.textContent.toLowerCase().includes(wanted); });
    toEnd();
  }

  function toEnd() {
    if (follow.checked) {
      output.scrollTop = output.scrollHeight;
    }
  }

  // Whoever scrolls up wants to read; at the end it goes on.
  function noteScroll() {
    follow.checked = output.scrollTop + output.clientHeight >= output.scrollHeight - 30;
  }

  return {
    navigate: ({ path: [other] }) => open(other ?? chosen),
    close: () => source?.close(),
  };
}
