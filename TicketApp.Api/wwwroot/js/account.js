// Who uses this page: a user, and the user's key where the service asks for keys. Kept in this browser.

import { storage } from "./storage.js";

const userKey = "ticketapp.user";
const keyKey = "ticketapp.key";

const listeners = [];

/** The user's id and key; empty text where it does not exist. */
export const account = {
  get userId() {
    return storage.read(userKey);
  },
  get key() {
    return storage.read(keyKey);
  },
};

/** Takes another user. */
export function setAccount(userId, key) {
  storage.write(userKey, userId);
  storage.write(keyKey, key);
  listeners.forEach((listener) => listener());
}

/** Calls `changed()` when another user was taken, here or in another tab. */
export function onAccountChange(changed) {
  listeners.push(changed);
}

addEventListener("storage", ({ key }) => {
  if (key === userKey || key === keyKey) {
    listeners.forEach((listener) => listener());
  }
});
