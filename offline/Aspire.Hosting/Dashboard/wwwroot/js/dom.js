/**
 * Makes an element. Properties that are functions are listeners ("click"), true and false set and leave out an attribute,
 * null leaves it out; children are nodes or text, and null is none.
 */
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** The same for SVG. */
export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }

  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Brings the children of an element in line with a list, keeping those that are there: the focus, an open row and the
 * place on the page stay. Each child is made once and, where given, updated.
 */
export function reconcile(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }

    update?.(child, item);
    if (child === next) {
      next = next.nextElementSibling;
    } else {
      parent.insertBefore(child, next);
    }
  }

  known.forEach((child) => child.remove());
}

/** Fills a select with options, each [value, text], and keeps what is chosen. */
export function setOptions(select, options, value = select.value) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(...options.map(([optionValue, text]) => h("option", { value: optionValue }, text)));
  }

  select.value = options.some(([optionValue]) => optionValue === value) ? value : options[0]?.[0] ?? "";
}

/** A field of a toolbar. */
export function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

/** Names and values, as in attributes of a span. Long names break behind their dots and underscores. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.map(([name, value]) => [
    h("dt", {}, name.split(/(?<=[._])(?![._])/).flatMap((part) => [part, h("wbr")])),
    h("dd", {}, value),
  ]));
}

/** A coloured name of the resource that something comes from. */
export function sourceTag(name, instance = "") {
  return h("span", { class: "source", title: instance ? `${name} ${instance}` : name }, h("i", { class: `swatch ${sourceClass(name)}` }), name);
}

const sources = [];

/** The class that gives a resource its colour, the same everywhere on the page. */
export function sourceClass(name) {
  if (!sources.includes(name)) {
    sources.push(name);
  }

  return `source-${sources.indexOf(name) % 6}`;
}
