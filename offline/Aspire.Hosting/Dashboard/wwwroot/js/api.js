/** Reads JSON. Whoever is not logged in is sent to do that; null when there is no such thing. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    [value].flat().filter((one) => one !== "" && one !== null && one !== undefined).forEach((one) => query.append(name, one));
  }

  return answer(await fetch(query.size ? `${path}?${query}` : path));
}

/** Does something. */
export async function post(path) {
  return answer(await fetch(path, { method: "POST" }));
}

async function answer(response) {
  if (response.status === 401) {
    location.assign("/login");
  }

  if (response.status === 404) {
    return null;
  }

  if (!response.ok) {
    throw new Error(`The dashboard answered ${response.status}.`);
  }

  return response.json();
}
