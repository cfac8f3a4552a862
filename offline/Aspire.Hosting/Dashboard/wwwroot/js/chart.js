import { h, svg } from "./dom.js";
import { age, quantity, time } from "./format.js";

const height = 130;
const left = 56;
const bottom = 18;
const top = 6;

/** Draws lines over time into an element, in the width that it has. */
export function drawChart(element, instrument, chart) {
  const unit = instrument.kind === "Counter" && instrument.unit !== "By" ? "1" : instrument.unit;
  const lines = chart.lines.filter((line) => line.values.some((value) => value !== null));
  if (!lines.length) {
    element.replaceChildren(h("p", { class: "hint none" }, "Nothing in this time."));
    return;
  }

  const width = Math.max(240, element.clientWidth);
  const count = lines[0].values.length;
  const all = lines.flatMap((line) => line.values).filter((value) => value !== null);
  const most = niceAbove(Math.max(...all, 0), unit);
  const least = Math.min(...all, 0) < 0 ? -niceAbove(-Math.min(...all), unit) : 0;
  const x = (index) => left + ((width - left - 4) * index) / Math.max(1, count - 1);
  const y = (value) => top + (height - top - bottom) * (1 - (value - least) / (most - least));
  const legend = h("p", { class: "legend" });
  const cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });

  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": describe(lines, unit) },
    [least, (least + most) / 2, most].map((value) => [
      svg("line", { class: "grid", x1: left, x2: width - 4, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, quantity(value, unit)),
    ]),
    svg("text", { x: left, y: height - 4 }, `${age(count * chart.slotSeconds * 1000)} ago`),
    svg("text", { x: width - 4, y: height - 4, "text-anchor": "end" }, "now"),
    lines.map((line, index) => svg("path", { class: `line line-${index}`, d: pathOf(line.values, x, y) })),
    cursor);

  const show = (index) => legend.replaceChildren(
    ...lines.map((line, number) => h("span", {}, h("i", { class: `swatch line-${number}` }), `${line.label} `,
      h("b", {}, valueAt(line.values, index, unit)))),
    index === null ? "" : h("time", {}, time((chart.end - (count - 1 - index) * chart.slotSeconds) * 1000).slice(0, 8)));

  picture.addEventListener("pointermove", (event) => {
    const { left: from, width: shown } = picture.getBoundingClientRect();
    const position = ((event.clientX - from) * width) / shown;
    const index = Math.min(count - 1, Math.max(0, Math.round(((position - left) / (width - left - 4)) * (count - 1))));
    cursor.setAttribute("x1", x(index));
    cursor.setAttribute("x2", x(index));
    cursor.setAttribute("visibility", "visible");
    show(index);
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    show(null);
  });
  show(null);
  element.replaceChildren(picture, legend);
}

/** Lines through the values that follow each other; one that stands alone is a dot. */
function pathOf(values, x, y) {
  return values.map((value, index) => {
    if (value === null) {
      return "";
    }

    const isNew = index === 0 || values[index - 1] === null;
    return `${isNew ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}${isNew ? "h0.01" : ""}`;
  }).join("");
}

/** 1, 2 or 5 times a power of ten, of bytes a power of two, not below the value. */
function niceAbove(value, unit) {
  if (value <= 0) {
    return 1;
  }

  if (unit === "By") {
    return 2 ** Math.ceil(Math.log2(value));
  }

  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value);
}

function valueAt(values, index, unit) {
  const value = index === null ? values.findLast((candidate) => candidate !== null) : values[index];
  return value === null || value === undefined ? "–" : quantity(value, unit);
}

const describe = (lines, unit) => lines.map((line) => `${line.label}: now ${valueAt(line.values, null, unit)}`).join("; ");
