import { showConsole } from "./console.js";
import { sourceClass } from "./dom.js";
import { watchLive } from "./live.js";
import { showLogs } from "./logs.js";
import { showMetrics } from "./metrics.js";
import { showResources } from "./resources.js";
import { showTrace } from "./trace.js";
import { showTraces } from "./traces.js";

const views = {
  resources: { title: "Resources", show: showResources },
  console: { title: "Console", show: showConsole },
  logs: { title: "Logs", show: showLogs },
  traces: { title: "Traces", show: showTraces },
  trace: { title: "Trace", tab: "traces", show: showTrace },
  metrics: { title: "Metrics", show: showMetrics },
};

const main = document.getElementById("main");
let resources = [];
let current = null;
let shown = "";

/** Each view gets the rest of the path, the query and the resources, and says what it does when there is news. */
function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  if (path === "main") {
    return;
  }

  const key = views[name] ? name : "resources";
  const view = views[key];
  document.title = `${view.title} · Dashboard`;
  document.querySelectorAll(".tabs a").forEach((tab) => {
    if (tab.hash === `#/${view.tab ?? key}`) {
      tab.setAttribute("aria-current", "page");
    } else {
      tab.removeAttribute("aria-current");
    }
  });

  const parameters = { path: rest, query: new URLSearchParams(query), resources };
  if (shown === key && current?.navigate) {
    current.navigate(parameters);
    return;
  }

  current?.close?.();
  main.replaceChildren();
  if (shown) {
    // What had the focus may be gone: whoever uses the keyboard goes on from the top of the new view.
    main.focus({ preventScroll: true });
  }

  main.className = `view-${key}`;
  shown = key;
  current = view.show(main, parameters) ?? {};
}

function showHealth() {
  const healthy = resources.filter((resource) => resource.health === "Healthy").length;
  const isGood = healthy === resources.length;
  const badge = document.getElementById("health");
  badge.dataset.tone = isGood ? "good" : resources.some((resource) => ["FailedToStart", "Exited", "Finished"].includes(resource.state)) ? "bad" : "late";
  document.getElementById("health-text").textContent = isGood ? `All ${healthy} healthy` : `${healthy} of ${resources.length} healthy`;
}

watchLive({
  onResources(list) {
    const isFirst = resources.length === 0;
    resources = list;
    resources.forEach((resource) => sourceClass(resource.name));
    showHealth();
    if (isFirst) {
      route();
    } else {
      current?.onResources?.(resources);
    }
  },
  onTelemetry: (counts) => current?.onTelemetry?.(counts),
});
addEventListener("hashchange", route);
