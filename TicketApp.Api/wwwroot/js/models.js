import { askForKey } from "./account-panel.js";
import { account, onAccountChange } from "./account.js";
import { listModels, readModel } from "./api.js";
import { count, sentence, setText } from "./format.js";
import { Poller } from "./poller.js";
import { storage } from "./storage.js";

const every = 15;
const keptKey = "ticketapp.model";
const select = document.getElementById("model");
const hint = document.getElementById("model-hint");

// Until the service has said what there is, a ticket is for its default model.
const unknown = { name: "", description: "", is_default: true, input: { required: false, max_characters: 10_000 }, workers: 1 };

let models = [unknown];
let schema = { model: "", value: null };
let schemaPoller = null;

/** Fills the choice of models, and keeps it up to date; calls `changed()` when another model is chosen or what it takes changes. */
export function startModels(changed) {
  const poller = new Poller(() => refresh(changed));
  schemaPoller = new Poller(() => readSchema(changed));
  onAccountChange(() => poller.now());
  select.addEventListener("change", () => {
    storage.write(keptKey, select.value);
    schemaPoller.now();
    describe(changed);
  });
  poller.now();
}

/** The model that is chosen. */
export const chosenModel = () => models.find(({ name }) => name === select.value) ?? unknown;

/** The JSON Schema of its input; null if it has none, or is not read yet. */
export const chosenSchema = () => (schema.model === select.value ? schema.value : null);

/** Reads the schema of the chosen model again: it may be another by now. */
export const refreshSchema = () => schemaPoller.now();

async function refresh(changed) {
  const { body, problem } = await listModels();
  if (problem?.status === 401) {
    const needed = account.key === "" ? "there is a user" : "the service accepts the key";
    setText(hint, `The models are listed once ${needed}.`);
    account.key === "" || askForKey();
    return { problem, next: null };
  }

  if (body?.results?.length > 0) {
    models = body.results;
    fill();
    describe(changed);
    schema.model === select.value || schemaPoller.now();
  }

  return { problem, next: every };
}

/** Of the chosen model alone, once: an input that it refuses is the occasion to read it again. */
async function readSchema(changed) {
  const model = select.value;
  if (model === "") {
    return { problem: null, next: null };
  }

  const { body, problem } = await readModel(model);
  if (model === select.value && !problem?.isOutage && problem?.status !== 401) {
    schema = { model, value: body?.input_schema ?? null };
    changed();
  }

  return { problem, next: problem?.isOutage ? every : null };
}

function fill() {
  const names = models.map(({ name }) => name);
  if (names.join() !== [...select.options].map(({ value }) => value).join()) {
    const preferred = [select.value, storage.read(keptKey), models.find((model) => model.is_default)?.name];
    const wanted = preferred.find((name) => names.includes(name));
    select.replaceChildren(...names.map((name) => new Option(name, name, false, name === wanted)));
  }
}

function describe(changed) {
  const { description, workers } = chosenModel();
  const served = workers === 0
    ? "No worker serves it now: tickets wait."
    : `${count(workers)} ${workers === 1 ? "worker serves" : "workers serve"} it.`;
  setText(hint, [description && sentence(description), served].filter(Boolean).join(" "));
  changed();
}
