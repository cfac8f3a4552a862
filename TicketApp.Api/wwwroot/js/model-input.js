import { count, setText } from "./format.js";
import { chosenModel, chosenSchema, startModels } from "./models.js";
import { readJson } from "./schema-field.js";
import { SchemaForm } from "./schema-form.js";
import { storage } from "./storage.js";

const draftKey = "ticketapp.draft";
const nearlyFull = 0.9;

const part = (id) => document.getElementById(id);
const [text, counter, notation] = ["input", "counter", "notation"].map(part);
const form = new SchemaForm(part("schema-form"));

/** Starts what the chosen model is asked with: a text, JSON, or the fields of its schema. */
export function startInput() {
  text.value = storage.read(draftKey);
  startModels(show);
  text.addEventListener("input", () => {
    storage.write(draftKey, text.value);
    text.ariaInvalid = "false";
    show();
  });
  show();
}

/** The input: `{ json }`, a JSON text, undefined for none, or `{ errors }` by JSON pointer below the input. */
export function readInput() {
  const { input } = chosenModel();
  const { json, errors } = form.isShown ? form.read() : readText();
  const length = form.isShown || notation.value === "json" ? json?.length ?? 0 : text.value.length;
  if (!errors && takesInput({ input }) && length > input.max_characters) {
    const most = count(input.max_characters);
    return { errors: { "": [`must have at most ${most} characters for this model; it has ${count(length)}`] } };
  }

  return { json, errors };
}

/** Shows what is wrong, by JSON pointer, and gives the focus to it. Returns the sentences for what no field can say. */
export function showInputErrors(errors) {
  const rest = Object.entries(form.isShown ? form.showErrors(errors) : errors);
  const isWrongText = rest.length > 0 && !form.isShown;
  text.ariaInvalid = String(isWrongText);
  isWrongText && text.focus();
  const whole = form.isShown ? "The input" : "Text";
  return rest.map(([pointer, words]) => `${pointer === "" ? whole : pointer.slice(1)} ${words.join(", ")}.`).join(" ");
}

/** Empties the text, unless something else was typed since; fields keep what they have, for the next try. */
export function clearInput(submitted) {
  if (!form.isShown && readText().json === submitted) {
    text.value = "";
    storage.write(draftKey, "");
    show();
  }
}

function readText() {
  const { input } = chosenModel();
  if (input.required && text.value.trim() === "") {
    return { errors: { "": ["is required by this model"] } };
  }

  if (text.value === "" || !takesInput({ input })) {
    return {};
  }

  const { json, error } = notation.value === "json" ? readJson(text.value) : { json: JSON.stringify(text.value) };
  return error ? { errors: { "": [error] } } : { json };
}

const takesInput = ({ input }) => input.required || input.max_characters > 0;

function show() {
  const { input } = chosenModel();
  form.show(chosenSchema(), input.required);
  part("input-field").hidden = part("notation-field").hidden = form.isShown || !takesInput({ input });
  text.required = input.required;
  setText(part("input-need"), input.required ? "required" : "optional");
  const { length } = text.value;
  setText(counter, `${count(length)} of ${count(input.max_characters)} characters`);
  counter.dataset.level = length > input.max_characters ? "over" : length > input.max_characters * nearlyFull ? "near" : "";
}
