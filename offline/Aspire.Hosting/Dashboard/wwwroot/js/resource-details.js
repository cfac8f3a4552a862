import { get, post } from "./api.js";
import { facts, h } from "./dom.js";
import { time } from "./format.js";
import { address, commandButtons, stateOf } from "./resource-parts.js";

/** Everything of one resource: health checks, addresses, variables, all commands. */
export function showDetails(aside, id, resources) {
  const head = h("div", { class: "details-head" });
  const overview = h("div");
  const commands = h("div", { class: "actions" });
  const variables = h("div");
  aside.replaceChildren(head, commands, overview, h("h3", {}, "Environment"), variables);
  let shown = "";
  let started = null;

  function update(list) {
    const resource = list.find((candidate) => candidate.id === id);
    if (!resource || shown === JSON.stringify(resource)) {
      return;
    }

    shown = JSON.stringify(resource);
    head.replaceChildren(
      h("h2", {}, resource.displayName),
      stateOf(resource),
      h("a", { class: "close", href: "#/resources", "aria-label": "Close the details" }, "×"));
    commands.replaceChildren(...commandButtons(resource, () => true));
    overview.replaceChildren(facts(overviewOf(resource)));
    if (resource.started !== started) {
      started = resource.started;
      loadVariables(variables, id);
    }
  }

  started = undefined;
  update(resources);
  return { update };
}

function overviewOf(resource) {
  const encoded = encodeURIComponent(resource.id);
  return [
    ["What", `${resource.type} ${resource.source}`],
    ["Started", resource.started ? time(Date.parse(resource.started)) : "not yet"],
    ["Process", resource.processId ?? "none"],
    ...resource.urls.map((url) => ["Address", address(url)]),
    ...resource.reports.map((report) => ["Health check", `${report.name}: ${report.status}${report.description ? ` (${report.description})` : ""}`]),
    ...(resource.references.length ? [["Uses", resource.references.join(", ")]] : []),
    ["See", h("span", { class: "links" },
      h("a", { href: `#/console/${encoded}` }, "Console"),
      h("a", { href: `#/logs?source=${encodeURIComponent(resource.name)}` }, "Logs"),
      h("a", { href: `#/traces?source=${encodeURIComponent(resource.name)}` }, "Traces"),
      h("a", { href: `#/metrics?source=${encodeURIComponent(resource.name)}` }, "Metrics"))],
  ];
}

async function loadVariables(container, id) {
  const path = `/api/resources/${encodeURIComponent(id)}/environment`;
  const list = await get(path) ?? [];
  container.replaceChildren(list.length
    ? facts(list.map((variable) => [variable.name, variable.isSecret ? secret(path, variable.name) : variable.value]))
    : h("p", { class: "hint" }, "Nothing of its own."));
}

/** A value that comes from the AppHost only when it is asked for. */
function secret(path, name) {
  const value = h("span", { class: "masked" }, "••••••••");
  const button = h("button", {
    type: "button",
    class: "small",
    "aria-label": `Show ${name}`,
    "aria-pressed": "false",
    click: async () => {
      const isShown = button.getAttribute("aria-pressed") === "true";
      const [variable] = isShown ? [null] : await post(`${path}/${encodeURIComponent(name)}`) ?? [null];
      value.textContent = variable?.value ?? "••••••••";
      value.classList.toggle("masked", !variable);
      button.setAttribute("aria-pressed", String(!isShown));
      button.textContent = isShown ? "Show" : "Hide";
    },
  }, "Show");
  return h("span", { class: "secret" }, value, button);
}
