import { get } from "./api.js";

/** Follows the resources and the arrival of telemetry; says on the page when the AppHost is gone. */
export function watchLive({ onResources, onTelemetry }) {
  const banner = document.getElementById("banner");
  const source = new EventSource("/api/live");
  source.addEventListener("resources", ({ data }) => onResources(JSON.parse(data)));
  source.addEventListener("telemetry", ({ data }) => document.hidden || onTelemetry(JSON.parse(data)));
  source.addEventListener("open", () => { banner.hidden = true; });
  source.addEventListener("error", () => {
    banner.textContent = "No connection: the AppHost has stopped, or was started anew. What is here is the last that was heard of it.";
    banner.hidden = false;
    document.getElementById("health").dataset.tone = "quiet";
    if (source.readyState === EventSource.CLOSED) {
      // It answers but refuses: a new start does not know this browser yet.
      get("/api/metrics").catch(() => {});
    }
  });
}

let timer = 0;

/** Shows a message for a while. */
export function toast(text, isBad = false) {
  const element = document.getElementById("toast");
  element.textContent = text;
  element.dataset.tone = isBad ? "bad" : "good";
  clearTimeout(timer);
  timer = setTimeout(() => { element.textContent = ""; }, 6000);
}

/** Runs a refresh at most once at a time; what is asked for meanwhile runs once more after it. */
export function coalesce(refresh) {
  let isRunning = false;
  let isWanted = false;
  return async function run() {
    isWanted = true;
    if (isRunning) {
      return;
    }

    isRunning = true;
    try {
      while (isWanted) {
        isWanted = false;
        await refresh();
      }
    } catch (error) {
      toast(error.message, true);
    } finally {
      isRunning = false;
    }
  };
}
