import { post } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";
import { toast } from "./live.js";

/** An address: a link where a browser can open it. */
export const address = (url) => (url.isLink ? h("a", { href: url.url, target: "_blank", rel: "noreferrer" }, url.text) : h("span", { class: "mono" }, url.text));

/** The state in a word and a colour. */
export function stateOf(resource) {
  const [tone, text] = resource.state === "Running"
    ? [{ Healthy: "good", Degraded: "late" }[resource.health] ?? "bad", resource.health === "Healthy" ? "Running" : resource.health]
    : [{ Exited: "bad", Finished: "bad", FailedToStart: "bad" }[resource.state] ?? "late", resource.state ?? "Unknown"];
  const stopped = resource.stopped && resource.state !== "Running" ? `since ${time(Date.parse(resource.stopped)).slice(0, 8)}` : "";
  const code = resource.exitCode ? `code ${resource.exitCode}` : "";
  return h("span", { class: "state", "data-tone": tone }, h("span", { class: "dot", "aria-hidden": "true" }), text, h("small", {}, [stopped, code].filter(Boolean).join(", ")));
}

/** A button for each command that can be given now. */
export function commandButtons(resource, isWanted) {
  return resource.commands.filter(isWanted).map((command) => h("button", {
    type: "button",
    class: "small",
    disabled: !command.isEnabled,
    title: command.description,
    "data-command": command.name,
    "aria-label": `${command.title} ${resource.displayName}`,
    click: ({ currentTarget }) => run(currentTarget, resource, command),
  }, command.title));
}

async function run(button, resource, command) {
  if (command.confirmation && !confirm(command.confirmation)) {
    return;
  }

  button.setAttribute("aria-busy", "true");
  try {
    const result = await post(`/api/resources/${encodeURIComponent(resource.id)}/commands/${encodeURIComponent(command.name)}`);
    toast(result?.success ? `${command.title}: ${resource.displayName} done${result.message ? `. ${result.message}` : ""}` : `${command.title} ${resource.displayName}: ${result?.message ?? "not possible"}`, !result?.success);
  } catch (error) {
    toast(error.message, true);
  } finally {
    button.removeAttribute("aria-busy");
  }
}
