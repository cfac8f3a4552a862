import { get } from "./api.js";
import { facts, h, sourceTag } from "./dom.js";
import { duration } from "./format.js";
import { logRow } from "./logs.js";

/** Everything of one span: its attributes, events, links, and what was logged during it. */
export function showSpan(aside, traceId, span, close) {
  const logs = h("div", { class: "rows" });
  aside.replaceChildren(
    h("div", { class: "details-head" },
      h("h2", {}, span.name),
      span.isError ? h("span", { class: "state", "data-tone": "bad" }, "Failed") : "",
      h("button", { type: "button", class: "close", "aria-label": "Close the details", click: close }, "×")),
    facts([
      ["Resource", sourceTag(span.source, span.instance)],
      ["Kind", span.kind],
      ["Start", `+${duration(span.start)}`],
      ["Duration", duration(span.duration)],
      ...(span.statusMessage ? [["Status", span.statusMessage]] : []),
      ["From", span.scope],
      ["Span", h("code", {}, span.id)],
    ]),
    h("h3", {}, "Attributes"),
    span.attributes.length ? facts(span.attributes.map(({ key, value }) => [key, value])) : h("p", { class: "hint" }, "None"),
    ...section("Events", span.events.map((event) => h("div", {}, h("strong", {}, event.name), ` +${duration(event.time - span.start)}`, attributes(event)))),
    ...section("Links", span.links.map((link) => h("div", {}, h("a", { class: "mono", href: `#/trace/${link.traceId}?span=${link.spanId}` }, `${link.traceId.slice(0, 8)}… ${link.spanId}`), attributes(link)))),
    h("h3", {}, "Logs"), logs);
  loadLogs(logs, traceId, span.id);
}

const section = (title, children) => (children.length ? [h("h3", {}, title), ...children] : []);

const attributes = (owner) => (owner.attributes.length ? facts(owner.attributes.map(({ key, value }) => [key, value])) : "");

async function loadLogs(container, traceId, spanId) {
  const answer = await get("/api/logs", { trace: traceId });
  const own = answer.logs.filter((log) => log.spanId === spanId).reverse();
  container.replaceChildren(...(own.length ? own.map(logRow) : [h("p", { class: "hint" }, "None")]));
}
