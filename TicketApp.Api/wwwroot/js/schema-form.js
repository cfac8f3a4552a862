import { setText } from "./format.js";
import { aboutOf, fieldsOf } from "./json-schema.js";
import { SchemaField } from "./schema-field.js";

/** The fields that a model's JSON Schema asks for, in a fieldset. */
export class SchemaForm {
  #place;
  #fields = [];
  #shown = "";

  /** @param place the fieldset, with a legend, a line about it, and room for fields */
  constructor(place) {
    this.#place = place;
  }

  /** Whether there are fields; without, the input is a text. */
  get isShown() {
    return this.#fields.length > 0;
  }

  /** Shows the fields of this schema; null has none. What is typed stays while the schema is the same. */
  show(schema, isRequired) {
    const wanted = JSON.stringify([schema, isRequired]);
    if (wanted === this.#shown) {
      return;
    }

    this.#shown = wanted;
    const { title, about } = aboutOf(schema);
    const fields = (schema === null ? null : fieldsOf(schema, isRequired)) ?? [];
    this.#fields = fields.map((field, i) => new SchemaField(field, `field-${i}`));
    this.#place.hidden = !this.isShown;
    setText(this.#place.querySelector("legend"), title || "Input");
    setText(this.#place.querySelector(".about"), about);
    this.#place.querySelector(".fields").replaceChildren(...this.#fields.map(({ element }) => element));
  }

  /** What was filled in: `{ json }`, a JSON text or undefined, or `{ errors }` by pointer. */
  read() {
    const read = this.#fields.map((field) => ({ field, ...field.read() }));
    const wrong = read.filter(({ error }) => error).map(({ field, error }) => [field.pointer, [error]]);
    if (wrong.length > 0) {
      return { errors: Object.fromEntries(wrong) };
    }

    const members = read.filter(({ json }) => json !== undefined).map(({ field, json }) => `${JSON.stringify(field.name)}:${json}`);
    return { json: this.#fields[0].pointer === "" ? read[0].json : `{${members.join()}}` };
  }

  /** Shows errors by pointer at their fields, and gives the focus to the first of those. Returns those that have no field. */
  showErrors(errors) {
    const fieldAt = (pointer) => this.#fields.find((field) => field.holds(pointer));
    const wordsAt = (wanted) => Object.entries(errors)
      .filter(([pointer]) => fieldAt(pointer) === wanted)
      .flatMap(([pointer, words]) => words.map((word) => wanted.placed(pointer, word)));
    this.#fields.forEach((field) => field.showErrors(wordsAt(field)));
    this.#fields.find((field) => wordsAt(field).length > 0)?.focus();
    return Object.fromEntries(Object.entries(errors).filter(([pointer]) => !fieldAt(pointer)));
  }
}
