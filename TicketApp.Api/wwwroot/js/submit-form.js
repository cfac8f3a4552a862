import { askForKey, askForUser, ensureUser } from "./account-panel.js";
import { account } from "./account.js";
import { announce } from "./announcer.js";
import { submitTicket } from "./api.js";
import { sentence, setText } from "./format.js";
import { clearInput, readInput, showInputErrors, startInput } from "./model-input.js";
import { chosenModel, refreshSchema } from "./models.js";

const part = (id) => document.getElementById(id);
const [form, priority, submitButton, error] = ["form", "priority", "submit", "form-error"].map(part);
const fields = {
  model: { label: "Model", element: part("model") },
  priority: { label: "Priority", element: priority },
};

// The same until something else is submitted: a ticket whose answer got lost on the way is not stored twice.
let attempt = { content: "", key: "" };
let countdown = 0;

/** Starts the form; calls `onSubmitted(ticket)` for each new ticket. */
export function startForm(onSubmitted) {
  startInput();
  form.addEventListener("input", () => showProblem(""));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(() => submit(onSubmitted));
  });
}

async function submit(onSubmitted) {
  const { json, errors } = readInput();
  if (errors) {
    refuseInput(errors);
    return;
  }

  const { problem: noUser } = await ensureUser();
  if (noUser) {
    refuse(noUser);
    return;
  }

  const content = contentOf(json);
  attempt = attempt.content === content ? attempt : { content, key: newKey() };
  const { body, problem } = await submitTicket(content, attempt.key);
  if (problem || !body?.id) {
    refuse(problem ?? { status: 0, message: "The service gave no ticket", errors: {} });
    return;
  }

  attempt = { content: "", key: "" };
  clearInput(json);
  announce("Ticket submitted");
  onSubmitted(body);
}

/** The ticket in JSON. Its input is passed on as it was written: parsed, its numbers could lose digits. */
function contentOf(input) {
  const { name } = chosenModel();
  const ticket = JSON.stringify({ user_id: account.userId, priority: priority.value, ...(name && { model: name }) });
  return input === undefined ? ticket : `${ticket.slice(0, -1)},"input":${input}}`;
}

/** Says why there is no ticket; what was typed stays. */
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
    refuseFields(errors, `${sentence(message)} The ticket was not submitted.`);
  }
}

/** @param errors words by field; those of the input by JSON pointers, as in "input/size" */
function refuseFields(errors, message) {
  const ofInput = Object.entries(errors).filter(([name]) => name === "input" || name.startsWith("input/"));
  const [name, wrong] = Object.entries(errors)[0] ?? [];
  if (ofInput.length > 0) {
    refreshSchema();
    refuseInput(Object.fromEntries(ofInput.map(([path, words]) => [path.slice("input".length), words])));
  } else {
    showProblem(fields[name] ? `${fields[name].label} ${wrong.join(", ")}.` : message, fields[name]?.element);
  }
}

function refuseInput(errors) {
  showProblem(showInputErrors(errors) || "Correct what is marked, then submit again.");
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
  showInputErrors({});
  await action();
  submitButton.ariaBusy = "false";
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
