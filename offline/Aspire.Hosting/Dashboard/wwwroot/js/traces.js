import { get } from "./api.js";
import { field, h, reconcile, setOptions, sourceTag } from "./dom.js";
import { duration, time } from "./format.js";
import { coalesce } from "./live.js";
import { names } from "./logs.js";

/** The latest traces, filtered. The filters are in the address. */
export function showTraces(main, { query, resources }) {
  const source = h("select", { name: "source" });
  const text = h("input", { type: "search", name: "text", placeholder: "In names, attributes or id", spellcheck: "false" });
  const min = h("input", { type: "number", name: "min", min: "0", step: "any", placeholder: "0" });
  const requests = h("input", { type: "checkbox", name: "requests", value: "true" });
  const errors = h("input", { type: "checkbox", name: "errors", value: "true" });
  const count = h("p", { class: "hint", role: "status" });
  const body = h("tbody");
  const table = h("table", {},
    h("thead", {}, h("tr", {}, ["Time", "Trace", "Spans", "Duration"].map((title) => h("th", { scope: "col" }, title)))),
    body);
  main.append(
    h("form", { class: "toolbar", submit: (event) => event.preventDefault(), input: changed },
      field("Resource", source), field("Text", text), field("At least, in ms", min), h("label", { class: "check" }, requests, "Requests only"), h("label", { class: "check" }, errors, "With errors")),
    count, h("div", { class: "panel scroll" }, table));

  const values = () => [source, text, min, requests, errors]
    .filter((control) => (control.type === "checkbox" ? control.checked : control.value.trim()))
    .map(({ name, value }) => [name, value.trim()]);
  const load = coalesce(async () => {
    const traces = await get("/api/traces", Object.fromEntries(values()));
    const longest = Math.max(...traces.map((trace) => trace.duration), 0.001);
    reconcile(body, traces, ({ id }) => id, createRow, (row, trace) => updateRow(row, trace, longest));
    count.textContent = traces.length ? `${traces.length} latest` : "None yet";
  });

  function changed() {
    const parameters = new URLSearchParams(values());
    history.replaceState(null, "", `#/traces${parameters.size ? `?${parameters}` : ""}`);
    load();
  }

  function navigate(to) {
    setOptions(source, [["", "All"], ...names(resources).map((name) => [name, name])], to.query.get("source") ?? "");
    text.value = to.query.get("text") ?? "";
    min.value = to.query.get("min") ?? "";
    requests.checked = to.query.get("requests") === "true";
    errors.checked = to.query.get("errors") === "true";
    load();
  }

  navigate({ query });
  return { navigate, onTelemetry: load };
}

function createRow(trace) {
  return h("tr", {},
    h("td", { class: "mono", "data-label": "Time" }, time(trace.start)),
    h("td", { "data-label": "Trace" }, h("a", { href: `#/trace/${trace.id}` }), h("small", { class: "mono" }, trace.id.slice(0, 8))),
    h("td", { class: "sources", "data-label": "Spans" }),
    h("td", { class: "bar-cell", "data-label": "Duration" }, h("span"), h("i", { class: "bar" })));
}

function updateRow(row, trace, longest) {
  const [, name, sources, length] = row.cells;
  length.lastElementChild.style.width = `${Math.max(1, (trace.duration / longest) * 100)}%`;
  const content = JSON.stringify(trace);
  if (row.dataset.content !== content) {
    row.dataset.content = content;
    name.firstElementChild.textContent = trace.name;
    sources.replaceChildren(
      `${trace.spans}`,
      trace.errors ? h("span", { class: "state", "data-tone": "bad" }, `${trace.errors} failed`) : "",
      ...trace.sources.map((source) => sourceTag(source)));
    length.firstElementChild.textContent = duration(trace.duration);
  }
}
