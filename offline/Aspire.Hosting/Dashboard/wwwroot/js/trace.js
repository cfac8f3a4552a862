import { get } from "./api.js";
import { h, reconcile, sourceClass, sourceTag } from "./dom.js";
import { duration, time } from "./format.js";
import { coalesce } from "./live.js";
import { showSpan } from "./span-details.js";

const ticks = [0, 0.25, 0.5, 0.75, 1];

/** All spans of a trace below each other, each where it was in time. */
export function showTrace(main, { path, query }) {
  const head = h("div", { class: "trace-head" });
  const ruler = h("div", { class: "ruler", "aria-hidden": "true" });
  const rows = h("div", { class: "spans", role: "list", "aria-label": "Spans", keydown: move });
  const aside = h("aside", { class: "details", hidden: true, "aria-label": "Span" });
  main.append(head, h("div", { class: "split" }, h("div", { class: "panel waterfall" }, ruler, rows), aside));

  let [id] = path;
  let selected = query.get("span") || null;
  let known = -1;

  const load = coalesce(async () => {
    const trace = await get(`/api/traces/${encodeURIComponent(id)}`);
    if (!trace) {
      head.replaceChildren(h("h2", {}, "No such trace"), h("p", { class: "hint" }, "None of its spans is kept any more, or none has come yet."));
    } else if (trace.spans.length !== known) {
      known = trace.spans.length;
      render(trace);
    }
  });

  function render(trace) {
    const ordered = inOrder(trace.spans);
    const root = ordered[0].span;
    const failed = trace.spans.filter((span) => span.isError).length;
    head.replaceChildren(
      h("p", {}, h("a", { href: "#/traces" }, "Traces")),
      h("h2", {}, root.name),
      h("p", { class: "hint" }, `${time(trace.start)} · ${duration(trace.duration)} · ${trace.spans.length === 1 ? "1 span" : `${trace.spans.length} spans`}${failed ? `, ${failed} failed` : ""} · `,
        h("code", {}, trace.id), " · ", h("a", { href: `#/logs?trace=${trace.id}` }, "Logs")));
    ruler.replaceChildren(...ticks.map((part) => h("span", {}, duration(part * trace.duration))));
    reconcile(rows, ordered, ({ span }) => span.id, ({ span }) => createRow(span, () => select(span)), (row, item) => updateRow(row, item, trace));
    const span = trace.spans.find((candidate) => candidate.id === selected);
    if (span) {
      select(span);
    }
  }

  function select(span) {
    selected = span.id;
    aside.hidden = false;
    showSpan(aside, id, span, () => {
      selected = null;
      aside.hidden = true;
      mark();
    });
    mark();
  }

  function mark() {
    [...rows.children].forEach((row) => row.firstElementChild.setAttribute("aria-pressed", String(row.dataset.key === selected)));
  }

  load();
  return {
    navigate(to) {
      [id] = to.path;
      selected = to.query.get("span") || null;
      known = -1;
      aside.hidden = true;
      load();
    },
    onTelemetry: load,
  };
}

/** Parents before their children, those in the order of their start; spans whose parent is not known stand at the top. */
function inOrder(spans) {
  const ids = new Set(spans.map((span) => span.id));
  const children = Map.groupBy(spans, (span) => (ids.has(span.parentId) ? span.parentId : null));
  const ordered = [];
  const waiting = (children.get(null) ?? []).map((span) => ({ span, depth: 0 })).reverse();
  while (waiting.length) {
    const { span, depth } = waiting.pop();
    ordered.push({ span, depth });
    waiting.push(...(children.get(span.id) ?? []).map((child) => ({ span: child, depth: depth + 1 })).reverse());
  }

  return ordered;
}

function createRow(span, select) {
  return h("div", { role: "listitem" }, h("button", { type: "button", class: "span", "aria-pressed": "false", click: select },
    h("span", { class: "span-name" }, sourceTag(span.source, span.instance), h("span", { class: "name" }, span.name)),
    h("span", { class: "track" }, h("i", { class: `bar ${sourceClass(span.source)}` }), h("span", { class: "length" }))));
}

function updateRow(row, { span, depth }, trace) {
  const percent = (part) => `${(100 * part) / Math.max(trace.duration, 0.001)}%`;
  const [name, track] = row.firstElementChild.children;
  const [bar, length] = track.children;
  name.style.paddingLeft = `${Math.min(depth, 12) * 0.75}rem`;
  row.firstElementChild.classList.toggle("failed", span.isError);
  bar.style.left = percent(span.start);
  bar.style.width = percent(span.duration);
  length.textContent = duration(span.duration);
  // Beside the bar, on the side where there is room.
  const isLate = span.start > trace.duration / 2;
  length.style.left = isLate ? "" : percent(span.start + span.duration);
  length.style.right = isLate ? percent(trace.duration - span.start) : "";
  if (!isLate && span.start + span.duration > trace.duration * 0.85) {
    length.style.left = "";
    length.style.right = "0";
    length.classList.add("inside");
  }

  track.querySelectorAll(".event").forEach((mark) => mark.remove());
  span.events.forEach((event) => {
    const mark = h("i", { class: "event", title: event.name });
    mark.style.left = percent(event.time);
    track.append(mark);
  });
}

/** Arrow keys go from span to span. */
function move(event) {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const row = event.target.closest("[role=listitem]");
  if (step && row) {
    event.preventDefault();
    row[step]?.firstElementChild.focus();
  }
}
