import { askForKey, askForUser, ensureUser } from "./account-panel.js";
import { account } from "./account.js";
import { announce } from "./announcer.js";
import { sentence, submitTicket } from "./api.js";
import { count, setText } from "./format.js";
import { chosenModel, startModels } from "./models.js";
import { storage } from "./storage.js";

const draftKey = "ticketapp.draft";
const nearlyFull = 0.9;

const part = (id) => document.getElementById(id);
const [form, text, priority, submitButton, error] = ["form", "input", "priority", "submit", "form-error"].map(part);
const fields = {
  input: { label: "Text", element: text },
  model: { label: "Model", element: part("model") },
  priority: { label: "Priority", element: priority },
};

// The same until something else is submitted: a ticket whose answer got lost on the way is not stored twice.
let attempt = { content: "", key: "" };
let countdown = 0;

/** Starts the form; calls `onSubmitted(ticket)` for each new ticket. */
export function startForm(onSubmitted) {
  text.value = storage.read(draftKey);
  startModels(showInput);
  text.addEventListener("input", () => {
    storage.write(draftKey, text.value);
    showProblem("");
    showInput();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(() => submit(onSubmitted));
  });
  showInput();
}

async function submit(onSubmitted) {
  const ticket = read();
  const defect = defectOf(ticket);
  if (defect !== "") {
    showProblem(`Text ${defect}.`, text);
    return;
  }

  const { problem: noUser } = await ensureUser();
  if (noUser) {
    refuse(noUser);
    return;
  }

  const content = JSON.stringify({ user_id: account.userId, ...ticket });
  attempt = attempt.content === content ? attempt : { content, key: newKey() };
  const { body, problem } = await submitTicket(JSON.parse(content), attempt.key);
  if (problem || !body?.id) {
    refuse(problem ?? { status: 0, message: "The service gave no ticket", errors: {} });
    return;
  }

  attempt = { content: "", key: "" };
  clear(ticket.input);
  announce("Ticket submitted");
  onSubmitted(body);
}

/** What was typed stays. */
function clear(submitted = "") {
  if (text.value === submitted) {
    text.value = "";
    storage.write(draftKey, "");
    showInput();
  }
}

function read() {
  const model = chosenModel();
  const ticket = { priority: priority.value };
  model.name && (ticket.model = model.name);
  takesInput(model) && text.value !== "" && (ticket.input = text.value);
  return ticket;
}

const takesInput = ({ input }) => input.required || input.max_characters > 0;

function defectOf({ input = "" }) {
  const { required, max_characters: most } = chosenModel().input;
  if (required && input.trim() === "") {
    return "is required by this model";
  }

  return input.length > most ? `must have at most ${count(most)} characters for this model; it has ${count(input.length)}` : "";
}

/** Says why there is no ticket; the text stays. */
function refuse({ status, type, message, errors, retryAfter, isOutage }) {
  if (status === 401) {
    askForKey();
    showProblem("This service wants a key: see “Your user” below. Then submit again.");
  } else if (type === "user-not-found") {
    askForUser();
    showProblem("The service does not know your user: see “Your user” below. Then submit again.");
  } else if (isOutage || retryAfter !== null) {
    countDown(sentence(message), retryAfter ?? 0);
  } else {
    const [name, wrong] = Object.entries(errors)[0] ?? [];
    const field = fields[name];
    showProblem(field ? `${field.label} ${wrong.join(", ")}.` : `${sentence(message)} The ticket was not submitted.`, field?.element);
  }
}

/** It is not sent again by itself: anyone who waits for something else now may not want it any more. */
function countDown(reason, seconds) {
  const again = "Your text is kept: submit it again";
  const ready = Date.now() + seconds * 1000;
  const show = () => {
    const left = Math.ceil((ready - Date.now()) / 1000);
    setText(error, `${reason} ${again}${left > 0 ? ` in ${left} s` : ""}.`);
    left > 0 || clearInterval(countdown);
  };
  showProblem(`${reason} ${again}${seconds > 0 ? ` in ${Math.ceil(seconds)} s` : ""}.`);
  countdown = setInterval(show, 1000);
}

/** One call at a time. The button stays focusable, so that the focus is not lost. */
async function busy(action) {
  if (submitButton.ariaBusy === "true") {
    return;
  }

  submitButton.ariaBusy = "true";
  showProblem("");
  await action();
  submitButton.ariaBusy = "false";
}

function showInput() {
  const { input } = chosenModel();
  part("input-field").hidden = !takesInput({ input });
  text.required = input.required;
  setText(part("input-need"), input.required ? "required" : "optional");
  setText(part("counter"), `${count(text.value.length)} of ${count(input.max_characters)} characters`);
  const { length } = text.value;
  part("counter").dataset.level = length > input.max_characters ? "over" : length > input.max_characters * nearlyFull ? "near" : "";
}

function showProblem(words, field) {
  clearInterval(countdown);
  error.textContent = words;
  error.hidden = words === "";
  Object.values(fields).forEach(({ element }) => element.setAttribute("aria-invalid", String(element === field)));
  field?.focus();
  if (words !== "") {
    announce(words);
  }
}

// crypto.randomUUID exists on https and localhost only.
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
