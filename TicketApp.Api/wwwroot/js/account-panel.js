import { account, onAccountChange, setAccount } from "./account.js";
import { announce } from "./announcer.js";
import { createUser } from "./api.js";
import { copyText } from "./clipboard.js";
import { sentence, setText, shortId } from "./format.js";

const part = (id) => document.getElementById(id);
const panel = part("account");
const [userField, keyField, problemText] = ["account-user", "account-key", "account-problem"].map(part);

/** Shows who uses this page, and lets another user be taken. */
export function startAccount() {
  onAccountChange(show);
  // Once closed, not when opened: what is typed at once must stay.
  panel.addEventListener("toggle", () => panel.open || show());
  part("new-user").addEventListener("click", ({ target }) => makeUser(target));
  part("copy-key").addEventListener("click", async () => announce((await copyText(account.key)) ? "Key copied" : "Could not copy"));
  part("account-form").addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  show();
}

/** The user to act for: makes one where it does not exist. `{ problem }`, null if all is well. */
export async function ensureUser() {
  return account.userId === "" ? takeNewUser() : { problem: null };
}

/** Says that a key is needed, and where to put it; the focus stays where it is. */
export function askForKey() {
  panel.open = true;
  showProblem(account.key === ""
    ? "This service wants a key. Choose “New user” to get one, or enter yours."
    : "The service does not accept this key. Enter another, or choose “New user”.");
}

/** Says that the service does not know the user. */
export function askForUser() {
  panel.open = true;
  showProblem("The service does not know this user. Choose “New user”, or enter another.");
}

async function makeUser(button) {
  button.ariaBusy = "true";
  const { problem } = await takeNewUser();
  button.ariaBusy = "false";
  showProblem(problem ? `${sentence(problem.message)} No user was created.` : "");
}

async function takeNewUser() {
  const { body, problem } = await createUser();
  if (problem || typeof body?.id !== "string") {
    return { problem: problem?.status === 401 || problem?.status === 403 ? onlyAdministrators : problem };
  }

  setAccount(body.id, body.api_key ?? "");
  showProblem("");
  announce("User created");
  return { problem: null };
}

const onlyAdministrators = {
  status: 403, type: "", errors: {}, retryAfter: null, isOutage: false,
  message: "Only administrators create users here. Ask one for a user and a key, and use them under “Your user”",
};

function take() {
  const [userId, key] = [userField.value.trim().toLowerCase(), keyField.value.trim()];
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(userId)) {
    showProblem("A user ID looks like 01a205da-a5ea-7abf-916d-5fb3315c6011.");
    userField.setAttribute("aria-invalid", "true");
    userField.focus();
    return;
  }

  setAccount(userId, key);
  showProblem("");
  announce(`User ${shortId(userId)} taken`);
}

function show() {
  const { userId, key } = account;
  setText(part("account-name"), userId === "" ? "none yet" : `…${shortId(userId)}`);
  part("account-kept").hidden = key === "";
  setText(part("key-name"), `${key.slice(0, 8)}…`);
  userField.value = userId;
  keyField.value = key;
}

function showProblem(text) {
  userField.setAttribute("aria-invalid", "false");
  problemText.hidden = text === "";
  if (problemText.textContent !== text) {
    problemText.textContent = text;
    text === "" || announce(text);
  }
}
