const svg = "http://www.w3.org/2000/svg";
const [width, height, margin] = [120, 32, 2];

/** A line of the latest values, drawn from the right: the newest is at the end. The words beside it say the same. */
export class Chart {
  #line;
  #area;
  #most;

  /** @param most how many values it has room for */
  constructor(element, most) {
    this.#most = most;
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    element.setAttribute("preserveAspectRatio", "none");
    [this.#area, this.#line] = ["area", "trend"].map((name) => {
      const path = document.createElementNS(svg, "path");
      path.setAttribute("class", name);
      element.append(path);
      return path;
    });
  }

  /** Draws these values, the oldest first. */
  draw(values) {
    const top = Math.max(1, ...values);
    const x = (i) => width - (values.length - 1 - i) * (width / (this.#most - 1));
    const y = (value) => height - margin - (value / top) * (height - 2 * margin);
    const points = values.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
    const line = points.length > 1 ? `M${points.join("L")}` : "";
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", line && `${line}V${height}H${x(0).toFixed(1)}Z`);
  }
}
