// The JSON Schema of a model's input as the fields of a form. A worker wrote it: everything here is bounded, no pattern is run, and what
// is not understood becomes a field for JSON.

import { capitalized, sentence } from "./format.js";

const most = { fields: 50, options: 200, references: 8, label: 100, about: 600 };
// Texts that may be longer than this have several lines.
const oneLine = 100;
const composing = ["allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"];
const types = ["string", "number", "integer", "boolean", "array", "object"];
// What the browser has a field for; any other format is a line of text.
const lineTypes = new Map(Object.entries({ uri: "url", email: "email", date: "date", password: "password" }));
const writing = { array: "A list, as JSON", object: "An object, as JSON" };

/**
 * The fields for an input of this schema; null where any text will do. `pointer` is a field's JSON pointer below the input, empty for that
 * of the whole input, `name` the name of its property, and `kind` one of text, number, switch, choice and json.
 */
export function fieldsOf(schema, isRequired) {
  const whole = resolve(schema, schema);
  if (kindOf(whole) === "text" && whole.format === undefined) {
    return null;
  }

  const names = propertiesOf(whole);
  return names === null
    ? [fieldOf({ name: null, pointer: "", label: "Input", isRequired }, { ...whole, title: "", description: "" })]
    : names.map((name) => propertyOf(name, asArray(whole.required).includes(name), whole.properties[name], schema));
}

/** Of a property. One that must be there and may be null is null where it is left empty. */
function propertyOf(name, mustBeThere, property, root) {
  const isNull = mustBeThere && takesNull(property);
  const field = { name, pointer: `/${escape(name)}`, label: name, isRequired: mustBeThere && !isNull };
  return fieldOf({ ...field, whenEmpty: isNull ? "null" : undefined }, resolve(property, root));
}

const takesNull = (schema) => [schema, ...asArray(schema?.anyOf), ...asArray(schema?.oneOf)].some(
  (one) => one?.type === "null" || asArray(one?.type).includes("null"),
);

/** What the schema says about the whole input. */
export const aboutOf = (schema) => ({ title: clip(schema?.title, most.label), about: clip(schema?.description, most.about) });

/** The name of a property as it is in a JSON pointer. */
const escape = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** The names of the properties, if fields for them are all that the input needs. */
function propertiesOf(whole) {
  if (typeOf(whole) !== "object" || !isObject(whole.properties)) {
    return null;
  }

  const names = Object.keys(whole.properties);
  const isComplete = asArray(whole.required).every((name) => names.includes(name)) && composing.every((word) => !asks(whole[word]));
  const order = (name) => firstNumber(whole.properties[name]?.["x-order"], 0);
  return isComplete && names.length > 0 && names.length <= most.fields ? names.sort((a, b) => order(a) - order(b)) : null;
}

/** Whether parts of a schema ask for properties of their own. */
const asks = (part) => JSON.stringify(part ?? null).includes("\"properties\"");

function fieldOf(field, schema) {
  const kind = kindOf(schema);
  const options = kind === "choice" ? optionsOf(schema) : [];
  const isChoice = kind === "choice" || (kind === "switch" && !field.isRequired && typeof schema.default !== "boolean");
  const [min, max] = [firstNumber(schema.minimum, schema.exclusiveMinimum), firstNumber(schema.maximum, schema.exclusiveMaximum)];
  return {
    ...field,
    kind: isChoice ? "choice" : kind,
    label: clip(schema.title, most.label) || clip(field.label, most.label) || "No name",
    about: [clip(schema.description, most.about), capitalized(limitsOf(schema, kind, min, max))].filter(Boolean).map(sentence).join(" "),
    initial: schema.default,
    options: isChoice && kind === "switch" ? [true, false] : options,
    lineType: lineTypes.get(schema.format) ?? "text",
    isLong: schema.format === undefined && !(schema.maxLength <= oneLine),
    isWhole: typeOf(schema) === "integer",
    min,
    max,
  };
}

function limitsOf(schema, kind, min, max) {
  if (kind === "number") {
    const low = min === undefined ? "" : `${min === schema.minimum ? "at least" : "more than"} ${min}`;
    const high = max === undefined ? "" : `${max === schema.maximum ? "at most" : "less than"} ${max}`;
    return [low, high].filter(Boolean).join(", ");
  }

  const length = kind === "text" && Number.isInteger(schema.maxLength) ? `at most ${schema.maxLength} characters` : "";
  return kind === "json" ? writing[typeOf(schema)] ?? "As JSON" : length;
}

function kindOf(schema) {
  if (optionsOf(schema) !== null) {
    return "choice";
  }

  return { string: "text", number: "number", integer: "number", boolean: "switch" }[typeOf(schema)] ?? "json";
}

/** What there is to choose from; null without a list, or with one that is no choice. */
function optionsOf(schema) {
  const options = Object.hasOwn(schema, "const") ? [schema.const] : schema.enum;
  const isChoice = Array.isArray(options) && options.length > 0 && options.length <= most.options;
  return isChoice && options.every((option) => JSON.stringify(option).length <= most.about) ? options : null;
}

/** The one type that is not null; undefined where there are several, or none. */
function typeOf(schema) {
  const type = schema.type ?? (isObject(schema.properties) ? "object" : undefined);
  const named = (Array.isArray(type) ? type : [type]).filter((name) => name !== "null");
  return named.length === 1 && types.includes(named[0]) ? named[0] : undefined;
}

/** Follows references within the schema, and takes what is wrapped alone, or with null, out of its wrapping. */
function resolve(schema, root, left = most.references) {
  if (!isObject(schema) || left === 0) {
    return {};
  }

  const { $ref: reference, ...rest } = schema;
  if (typeof reference === "string") {
    return { ...resolve(target(reference, root), root, left - 1), ...rest };
  }

  for (const word of ["allOf", "anyOf", "oneOf"]) {
    const wrapped = asArray(schema[word]).filter((one) => one?.type !== "null");
    if (wrapped.length === 1) {
      const { [word]: _, ...around } = schema;
      return { ...resolve(wrapped[0], root, left - 1), ...around };
    }
  }

  return schema;
}

function target(reference, root) {
  if (reference !== "#" && !reference.startsWith("#/")) {
    return undefined;
  }

  const path = reference.split("/").slice(1);
  const name = (step) => step.replaceAll("~1", "/").replaceAll("~0", "~");
  return path.reduce((part, step) => (isObject(part) && Object.hasOwn(part, name(step)) ? part[name(step)] : undefined), root);
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const asArray = (value) => (Array.isArray(value) ? value : []);

const firstNumber = (...values) => values.find((value) => typeof value === "number");

const clip = (text, length) => (typeof text !== "string" ? "" : text.length > length ? `${text.slice(0, length)}…` : text);
