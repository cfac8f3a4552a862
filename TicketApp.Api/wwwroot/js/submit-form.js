import { announce } from "./announcer.js";
import { createUser, submitTicket } from "./api.js";
import { readUser, writeUser } from "./store.js";

const form = document.getElementById("form");
const userId = document.getElementById("user-id");
const createButton = document.getElementById("create-user");
const submitButton = document.getElementById("submit");
const error = document.getElementById("form-error");

/** Starts the form; calls `onSubmitted(ticketId, userId)` for each new ticket. */
export function startForm(onSubmitted) {
  userId.value = readUser();
  showStep();
  userId.addEventListener("input", () => {
    writeUser(userId.value.trim());
    showProblem("");
    showStep();
  });
  createButton.addEventListener("click", () => busy(createButton, create));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(submitButton, () => submit(onSubmitted));
  });
}

async function create() {
  const { userId: created, problem } = await createUser();
  if (problem) {
    showProblem(`${sentence(problem)} No user was created.`);
    return;
  }

  userId.value = created;
  writeUser(created);
  showStep();
  announce("User created. You can submit a ticket.");
}

async function submit(onSubmitted) {
  const user = userId.value.trim();
  if (user === "") {
    showProblem("A ticket needs a user: create one first.");
    createButton.focus();
    return;
  }

  const { ticketId, problem } = await submitTicket(user);
  if (ticketId) {
    announce("Ticket submitted.");
    onSubmitted(ticketId, user);
  } else if (problem.status === 404) {
    showProblem("The service does not know this user. Create a new one, or check the ID.", userId);
  } else if (problem.status === 0) {
    // Not sent again by itself: the first one may have arrived, and would then be there twice.
    showProblem(`${sentence(problem)} The ticket was probably not submitted.`);
  } else {
    showProblem(`${sentence(problem)} The ticket was not submitted.`);
  }
}

/** One call at a time. The button stays focusable, so that the focus is not lost. */
async function busy(button, action) {
  if (button.ariaBusy === "true") {
    return;
  }

  button.ariaBusy = "true";
  showProblem("");
  await action();
  button.ariaBusy = "false";
}

/** What comes next is the prominent button. */
function showStep() {
  const hasUser = userId.value.trim() !== "";
  createButton.textContent = hasUser ? "Create another user" : "Create a user";
  createButton.className = hasUser ? "secondary" : "primary";
  submitButton.className = hasUser ? "primary" : "secondary";
}

function showProblem(text, field) {
  error.textContent = text;
  error.hidden = text === "";
  userId.setAttribute("aria-invalid", String(field === userId));
  field?.focus();
  if (text !== "") {
    announce(text);
  }
}

const sentence = ({ message }) => `${message.replace(/\.$/, "")}.`;
