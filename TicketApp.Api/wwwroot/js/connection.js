import { announce } from "./announcer.js";
import { readHealth } from "./api.js";
import { sentence, setText } from "./format.js";

const every = 20_000;
const firstPause = 2;
const longestPause = 30;
const words = { healthy: "Service is healthy", unhealthy: "Service is not ready", unreachable: "Service is not reachable" };

const link = document.getElementById("health");
const banner = document.getElementById("banner");

let failures = 0;
let pausedUntil = 0;
let trouble = "";
const waiting = new Set();

/** Shows the service's health in the header, and a banner while it is away. */
export function watchConnection() {
  document.getElementById("banner-retry").addEventListener("click", tryNow);
  addEventListener("online", tryNow);
  setInterval(showTrouble, 1000);
  showHealth();
  setInterval(() => document.hidden || showHealth(), every);
  document.addEventListener("visibilitychange", () => document.hidden || showHealth());
}

/** Milliseconds that reads should wait, because the service is away or asked for it. */
export const pause = () => Math.max(0, pausedUntil - Date.now());

/** Calls `retry()` when a pause ends early. */
export const onRetry = (retry) => waiting.add(retry);

/** Takes in how a read ended. While the service is away, all reads wait together, longer each time. */
export function noteOutcome(problem) {
  if (!problem?.isOutage) {
    if (failures > 0) {
      announce("The service answers again");
      failures = 0;
      pausedUntil = 0;
      showTrouble();
      showHealth();
    }

    return;
  }

  // Several reads may have been in progress; they failed together.
  if (pause() === 0) {
    failures += 1;
    trouble = problem.message;
    pausedUntil = Date.now() + Math.max(backOff(failures), problem.retryAfter ?? 0) * 1000;
    if (failures === 1) {
      announce(`${sentence(trouble)} The page keeps trying`);
    }

    showTrouble();
    showHealth();
  }
}

/** 2, 4, 8 … 30 seconds, give or take a fifth, so that many pages do not come back at once. */
export const backOff = (tries) => Math.min(longestPause, firstPause * 2 ** (tries - 1)) * (0.8 + Math.random() * 0.4);

function tryNow() {
  pausedUntil = 0;
  waiting.forEach((retry) => retry());
}

function showTrouble() {
  banner.hidden = failures === 0;
  if (failures > 0) {
    const seconds = Math.ceil(pause() / 1000);
    const next = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying now…";
    setText(document.getElementById("banner-text"), `${sentence(trouble)} ${next}`);
  }
}

async function showHealth() {
  const health = await readHealth();
  link.dataset.health = health;
  setText(document.getElementById("health-text"), words[health]);
}
