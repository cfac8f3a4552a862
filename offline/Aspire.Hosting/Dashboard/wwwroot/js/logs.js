import { get } from "./api.js";
import { facts, field, h, reconcile, setOptions, sourceTag } from "./dom.js";
import { level, time } from "./format.js";
import { coalesce } from "./live.js";

const page = 200;
const tones = { Critical: "bad", Error: "bad", Warning: "late", Information: "quiet", Debug: "quiet", Trace: "quiet" };

/** Log records of all processes, filtered. The filters are in the address. */
export function showLogs(main, { query, resources }) {
  const source = h("select", { name: "source" });
  const severity = h("select", { name: "severity" });
  const text = h("input", { type: "search", name: "text", placeholder: "In message or attributes", spellcheck: "false" });
  const trace = h("input", { type: "search", name: "trace", class: "mono", placeholder: "32 hexadecimal digits", spellcheck: "false" });
  const count = h("p", { class: "hint", role: "status" });
  const list = h("div", { class: "panel rows" });
  const older = h("button", { type: "button", class: "small", hidden: true, click: () => load(limit += page) }, "Show older ones");
  const controls = [source, severity, text, trace];
  let limit = page;

  setOptions(severity, [["", "All"], ["5", "Debug and above"], ["9", "Information and above"], ["13", "Warnings and errors"], ["17", "Errors"]]);
  main.append(
    h("form", { class: "toolbar", submit: (event) => event.preventDefault(), input: changed },
      field("Resource", source), field("Level", severity), field("Text", text), field("Trace", trace)),
    count, list, older);

  const load = coalesce(async () => {
    const values = Object.fromEntries(controls.map(({ name, value }) => [name, value.trim()]));
    const answer = await get("/api/logs", { ...values, limit });
    reconcile(list, answer.logs, ({ number }) => number, logRow);
    older.hidden = answer.logs.length < limit || limit >= 500;
    count.textContent = `${answer.logs.length}${older.hidden ? "" : " latest"} shown, ${answer.kept} kept`;
  });

  function changed() {
    limit = page;
    const parameters = new URLSearchParams(controls.filter(({ value }) => value).map(({ name, value }) => [name, value.trim()]));
    history.replaceState(null, "", `#/logs${parameters.size ? `?${parameters}` : ""}`);
    load();
  }

  function navigate(to) {
    setOptions(source, [["", "All"], ...names(resources).map((name) => [name, name])], to.query.get("source") ?? "");
    controls.slice(1).forEach((control) => { control.value = to.query.get(control.name) ?? ""; });
    load();
  }

  navigate({ query });
  return { navigate, onTelemetry: load };
}

/** The resources by name, each once. */
export const names = (resources) => [...new Set(resources.filter(({ type }) => type === "Project").map(({ name }) => name))];

/** One record: a line that opens to all that is known of it. */
export function logRow(log) {
  const name = level(log.severity);
  return h("details", { class: "row", "data-tone": tones[name] },
    h("summary", {},
      h("time", { class: "mono" }, time(log.time)),
      h("span", { class: "level" }, name),
      sourceTag(log.source, log.instance),
      h("span", { class: "message" }, log.message)),
    facts([
      ["Message", log.message],
      ["Category", log.category],
      ["Process", `${log.source} ${log.instance}`],
      ...(log.traceId ? [["Trace", h("a", { class: "mono", href: `#/trace/${log.traceId}?span=${log.spanId ?? ""}` }, log.traceId)]] : []),
      ...log.attributes.map(({ key, value }) => [key, value]),
    ]));
}
