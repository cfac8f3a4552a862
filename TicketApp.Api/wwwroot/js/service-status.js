import { announce } from "./announcer.js";
import { readHealth } from "./api.js";

const every = 20_000;
const words = { healthy: "Service is healthy", unhealthy: "Service is not ready", unreachable: "Service is not reachable" };

const link = document.getElementById("health");
const linkText = document.getElementById("health-text");
const banner = document.getElementById("banner");
const bannerText = document.getElementById("banner-text");

let trouble = null;

/** Shows the service's health in the header, now and again. */
export function watchHealth() {
  refresh();
  setInterval(() => document.hidden || refresh(), every);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}

/** Shows that the service is in trouble, with the time of the next try, or with (null) that it is not any more. */
export function showTrouble(problem, nextTry) {
  if (problem && !trouble) {
    announce(`${problem.message}. The page keeps trying.`);
  } else if (!problem && trouble) {
    announce("The service answers again.");
  }

  trouble = problem && { message: problem.message, nextTry };
  tickTrouble();
  refresh();
}

export function tickTrouble() {
  banner.hidden = trouble === null;
  if (trouble) {
    const seconds = Math.ceil((trouble.nextTry - Date.now()) / 1000);
    bannerText.textContent = `${trouble.message.replace(/\.$/, "")}. ${seconds > 0 ? `Trying again in ${seconds} s.` : "Trying now…"}`;
  }
}

async function refresh() {
  const health = await readHealth();
  link.dataset.health = health;
  linkText.textContent = words[health];
}
