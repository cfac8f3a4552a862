import { readStats } from "./api.js";
import { Chart } from "./chart.js";
import { onAccountChange } from "./account.js";
import { count, duration, exactDuration, setText } from "./format.js";
import { Poller } from "./poller.js";

const every = 2;
// Two minutes.
const most = 60;
// The service counts ends some seconds late, several at once: a rate is that of the last ten seconds.
const rateOver = 5;

const perSecond = "\u00a0/s";

const part = (id) => document.getElementById(id);
const samples = [];
const charts = ["queued", "running", "rate"].map((name) => ({ name, chart: new Chart(part(`${name}-chart`), most) }));

/** Shows how busy the service is, for as long as it tells. */
export function startStats() {
  const poller = new Poller(refresh);
  onAccountChange(() => poller.now());
  poller.now();
}

async function refresh() {
  const { body, problem } = await readStats();
  if (body?.finished) {
    take(body);
  }

  part("service").hidden = samples.length === 0;
  return { problem, next: problem && !problem.isOutage ? null : every };
}

function take({ queued, running, finished, workers, slots, median_run_seconds: median, oldest_age_seconds: oldest }) {
  const ended = Object.values(finished).reduce((sum, value) => sum + value, 0);
  const at = performance.now();
  // After a pause, as of a hidden tab, the line begins again.
  if (samples.length > 0 && at - samples.at(-1).at > 5 * every * 1000) {
    samples.length = 0;
  }

  const before = samples.at(-rateOver) ?? samples[0];
  const rate = before ? Math.max(0, ended - before.ended) / ((at - before.at) / 1000) : 0;
  samples.push({ at, ended, queued, running, rate });
  samples.splice(0, samples.length - most);
  charts.forEach(({ name, chart }) => {
    const values = samples.map((sample) => sample[name]);
    chart.draw(values);
    setText(part(`${name}-now`), show(name, values.at(-1)));
    setText(part(`${name}-most`), `at most ${show(name, Math.max(...values)).replace(perSecond, "")}`);
  });
  setText(part("service-facts"), [
    `${count(workers)} ${workers === 1 ? "worker" : "workers"} with ${count(slots)} slots.`,
    median === null || median === undefined ? "" : `A run takes ${exactDuration(median * 1000)}, by the median.`,
    oldest > 0 ? `The oldest open ticket is ${duration(oldest * 1000)} old.` : "",
  ].filter(Boolean).join(" "));
}

const rateText = (value) => (value >= 10 || value === 0 ? count(Math.round(value)) : value.toFixed(1));

const show = (name, value) => (name === "rate" ? `${rateText(value)}${perSecond}` : count(value));
