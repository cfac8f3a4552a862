import { capitalized, sentence, setText } from "./format.js";

const template = document.getElementById("field-template");
const longestInitial = 10_000;
const oneLine = 40;
// What JSON calls a number; browsers allow more, as in ".5".
const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** One field, as json-schema.js describes it. All that it shows is text. */
export class SchemaField {
  #field;
  #control;
  #error;

  constructor(field, id) {
    this.#field = field;
    this.element = template.content.firstElementChild.cloneNode(true);
    const [label, need, about, error] = ["label", ".need", ".about", ".problem"].map((part) => this.element.querySelector(part));
    this.#control = controlOf(field);
    this.#control.id = label.htmlFor = id;
    this.#error = error;
    setText(label, field.label);
    setText(need, field.isRequired ? "required" : "optional");
    setText(about, field.about);
    need.hidden = field.kind === "switch";
    about.hidden = field.about === "";
    const describing = [need, about, error].filter((part) => part === error || !part.hidden);
    describing.forEach((part) => (part.id = `${id}-${part.dataset.part}`));
    this.#control.setAttribute("aria-describedby", describing.map((part) => part.id).join(" "));
    this.#control.addEventListener("input", () => this.showErrors([]));
    about.before(this.#control);
  }

  get name() {
    return this.#field.name;
  }

  get pointer() {
    return this.#field.pointer;
  }

  /** Whether what the pointer names is in this field. */
  holds(pointer) {
    return pointer === this.pointer || pointer.startsWith(`${this.pointer}/`);
  }

  /** Words about what the pointer names, with its place in a field of JSON. */
  placed(pointer, words) {
    return pointer === this.pointer ? words : `“${pointer.slice(this.pointer.length + 1)}” ${words}`;
  }

  focus() {
    this.#control.focus();
  }

  showErrors(words) {
    this.#control.ariaInvalid = String(words.length > 0);
    this.#error.hidden = words.length === 0;
    setText(this.#error, words.map((word) => sentence(capitalized(word))).join(" "));
  }

  /** What was given: `{ json }`, a JSON text, or `{ error }`; neither where it is left out. */
  read() {
    const { kind, isRequired, whenEmpty, options } = this.#field;
    const { value, checked, validity } = this.#control;
    if (kind === "switch") {
      return { json: String(checked) };
    }

    if (value.trim() === "" && !validity.badInput) {
      return isRequired ? { error: "is required" } : { json: whenEmpty };
    }

    switch (kind) {
      case "choice":
        return { json: JSON.stringify(options[Number(value)]) };
      case "number":
        return this.#readNumber();
      case "json":
        return readJson(value);
      default:
        return { json: JSON.stringify(value) };
    }
  }

  #readNumber() {
    const { isWhole, min, max } = this.#field;
    const { value, validity } = this.#control;
    if (validity.badInput) {
      return { error: "must be a number" };
    }

    if (isWhole && !Number.isInteger(Number(value))) {
      return { error: "must be a whole number" };
    }

    if (Number(value) < min || Number(value) > max) {
      return { error: Number(value) < min ? `must be at least ${min}` : `must be at most ${max}` };
    }

    // As it was typed: a number in JSON may have more digits than one of JavaScript.
    return { json: jsonNumber.test(value) ? value : String(Number(value)) };
  }
}

/** JSON that was typed, as `{ json }` or `{ error }`. */
export function readJson(text) {
  try {
    JSON.parse(text);
    return { json: text.trim() };
  } catch {
    return { error: "is not valid JSON" };
  }
}

const controls = {
  text({ isLong, lineType, initial }) {
    const control = document.createElement(isLong ? "textarea" : "input");
    isLong ? (control.rows = 2) : (control.type = lineType);
    control.value = typeof initial === "string" ? initial : "";
    return control;
  },

  number({ isWhole, min, max, initial }) {
    const control = document.createElement("input");
    Object.assign(control, { type: "number", step: isWhole ? "1" : "any", min: min ?? "", max: max ?? "" });
    control.value = typeof initial === "number" ? initial : "";
    return control;
  },

  switch({ initial }) {
    const control = document.createElement("input");
    Object.assign(control, { type: "checkbox", checked: initial === true });
    return control;
  },

  choice({ options, initial, isRequired }) {
    const control = document.createElement("select");
    const chosen = options.findIndex((option) => JSON.stringify(option) === JSON.stringify(initial));
    const word = (option) => (typeof option === "string" ? option : JSON.stringify(option));
    control.append(new Option(isRequired ? "choose one" : "not set", ""), ...options.map((option, i) => new Option(word(option), i)));
    control.selectedIndex = chosen + 1;
    return control;
  },

  json({ initial }) {
    const control = document.createElement("textarea");
    Object.assign(control, { className: "mono", rows: 3, spellcheck: false });
    const text = JSON.stringify(initial) ?? "";
    control.value = text.length > oneLine ? JSON.stringify(initial, null, 1) : text;
    return control;
  },
};

function controlOf({ initial, ...field }) {
  const isUsable = JSON.stringify(initial ?? null).length <= longestInitial;
  const control = controls[field.kind]({ ...field, initial: isUsable ? initial : undefined });
  control.autocomplete = "off";
  control.required = field.isRequired && field.kind !== "switch";
  control.ariaInvalid = "false";
  return control;
}
