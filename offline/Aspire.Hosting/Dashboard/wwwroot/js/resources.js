import { h, reconcile, sourceTag } from "./dom.js";
import { age } from "./format.js";
import { showDetails } from "./resource-details.js";
import { address, commandButtons, stateOf } from "./resource-parts.js";

/** The table of all resources, and one of them in full beside it. */
export function showResources(main, { path, resources }) {
  const body = h("tbody");
  const aside = h("aside", { class: "details", hidden: true, "aria-label": "Details" });
  const table = h("table", {},
    h("thead", {}, h("tr", {}, ["Resource", "State", "Type", "Addresses", "Up for", "Actions"].map((text) => h("th", { scope: "col" }, text)))),
    body);
  main.append(h("div", { class: "split" }, h("div", { class: "panel scroll" }, table), aside));

  let details = null;
  let list = resources;
  const timer = setInterval(render, 10_000);

  function render() {
    reconcile(body, list, ({ id }) => id, createRow, updateRow);
    details?.update(list);
  }

  function navigate({ path: [id] }) {
    details = id ? showDetails(aside, id, list) : null;
    aside.hidden = !details;
    body.querySelectorAll("tr").forEach((row) => row.classList.toggle("selected", row.dataset.key === id));
  }

  render();
  navigate({ path });
  return {
    navigate,
    onResources(changed) {
      list = changed;
      render();
    },
    close: () => clearInterval(timer),
  };
}

function createRow() {
  return h("tr", {}, ["Resource", "State", "Type", "Addresses", "Up for", "Actions"].map((text) => h("td", { "data-label": text })));
}

function updateRow(row, resource) {
  const content = JSON.stringify(resource);
  row.cells[4].textContent = resource.state === "Running" && resource.started ? age(Date.now() - Date.parse(resource.started)) : "";
  if (row.dataset.content === content) {
    return;
  }

  row.dataset.content = content;
  const [name, state, type, addresses, , actions] = row.cells;
  name.replaceChildren(h("a", { href: `#/resources/${encodeURIComponent(resource.id)}` }, sourceTag(resource.name, resource.instance)), replica(resource));
  state.replaceChildren(stateOf(resource));
  type.replaceChildren(resource.type, h("small", {}, resource.source));
  addresses.replaceChildren(...resource.urls.filter((url) => !url.isDetail).map(address));
  keepFocus(actions, () => actions.replaceChildren(...commandButtons(resource, ({ isHighlighted }) => isHighlighted), ...links(resource)));
}

const replica = (resource) => (resource.displayName === resource.name ? "" : h("small", { class: "mono" }, resource.instance));

const links = (resource) => (resource.processId
  ? [h("a", { class: "small", href: `#/console/${encodeURIComponent(resource.id)}`, "aria-label": `Console of ${resource.displayName}` }, "Console")]
  : []);

/** Replaces content in which a button may have the focus; the one of the same command gets it again. */
function keepFocus(container, replace) {
  const command = container.contains(document.activeElement) ? document.activeElement.dataset.command : null;
  replace();
  if (command) {
    (container.querySelector(`[data-command="${CSS.escape(command)}"]:enabled`) ?? container.querySelector("button:enabled"))?.focus();
  }
}
