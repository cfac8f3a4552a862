import { get } from "./api.js";
import { drawChart } from "./chart.js";
import { field, h, reconcile, setOptions } from "./dom.js";
import { coalesce } from "./live.js";
import { names } from "./logs.js";

const kinds = { Counter: "rate per second", Histogram: "p50, p90, p99", Gauge: "by process", UpDownCounter: "total" };
const pause = 5000;

/** A chart for each instrument of a meter. What is chosen is in the address. */
export function showMetrics(main, { query, resources }) {
  const source = h("select", { name: "source" });
  const meter = h("select", { name: "meter" });
  const minutes = h("select", { name: "minutes" });
  const hint = h("p", { class: "hint", role: "status" });
  const cards = h("div", { class: "cards" });
  main.append(
    h("form", { class: "toolbar", submit: (event) => event.preventDefault(), input: changed },
      field("Resource", source), field("Meter", meter), field("Time", minutes)),
    hint, cards);
  setOptions(minutes, [["5", "5 minutes"], ["15", "15 minutes"], ["30", "30 minutes"]]);

  const visible = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    target.isVisible = isIntersecting;
    if (isIntersecting) {
      target.refresh();
    }
  }));
  const timer = setInterval(() => document.hidden || load(), pause);

  const load = coalesce(async () => {
    const all = (await get("/api/metrics")).filter((instrument) => !source.value || instrument.sources.includes(source.value));
    const meters = [...new Set(all.map((instrument) => instrument.meter))];
    setOptions(meter, meters.map((name) => [name, name]), meter.value || wantedMeter(meters));
    const shown = all.filter((instrument) => instrument.meter === meter.value);
    reconcile(cards, shown, (instrument) => `${instrument.meter} ${instrument.name}`, createCard, (card, instrument) => card.update(instrument));
    hint.textContent = shown.length ? "" : "No metrics yet: the first come seconds after a process has started.";
    await Promise.all([...cards.children].filter((card) => card.isVisible).map((card) => card.refresh()));
  });

  const wantedMeter = (meters) => query.get("meter") ?? meters.find((name) => name.startsWith("TicketApp")) ?? meters[0];

  function createCard(instrument) {
    const card = metricCard(instrument, () => ({ source: source.value, minutes: minutes.value }));
    visible.observe(card);
    return card;
  }

  function changed() {
    history.replaceState(null, "", `#/metrics?${new URLSearchParams([source, meter, minutes].filter(({ value }) => value).map(({ name, value }) => [name, value]))}`);
    load();
  }

  function navigate(to) {
    setOptions(source, [["", "All"], ...names(resources).map((name) => [name, name])], to.query.get("source") ?? "");
    minutes.value = to.query.get("minutes") ?? "5";
    meter.value = to.query.get("meter") ?? meter.value;
    load();
  }

  navigate({ query });
  return {
    navigate,
    close() {
      clearInterval(timer);
      visible.disconnect();
    },
  };
}

function metricCard(instrument, range) {
  const chart = h("div", { class: "chart" });
  const filters = h("div", { class: "filters" });
  const card = h("section", { class: "panel card" },
    h("h3", {}, instrument.name, h("small", {}, `${kinds[instrument.kind]}${instrument.unit && instrument.unit !== "1" ? `, ${instrument.unit}` : ""}`)),
    h("p", { class: "hint" }, instrument.description), chart, filters);
  card.refresh = coalesce(async () => {
    const attribute = [...filters.querySelectorAll("select")].filter(({ value }) => value).map(({ name, value }) => `${name}=${value}`);
    drawChart(chart, instrument, await get("/api/metrics/chart", { meter: instrument.meter, name: instrument.name, ...range(), attribute }));
  });
  card.update = ({ attributes }) => reconcile(
    filters,
    Object.entries(attributes).filter(([, values]) => values.length > 1),
    ([key]) => key,
    ([key]) => field(key, h("select", { name: key, change: () => card.refresh() })),
    (label, [, values]) => setOptions(label.querySelector("select"), [["", "All"], ...values.map((value) => [value, value || "(empty)"])]));
  return card;
}
