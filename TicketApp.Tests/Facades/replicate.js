// What the official client of Replicate does with TicketApp, unchanged but for its base URL. Prints a line for each check.
import { createServer } from "node:http";
import { once } from "node:events";
import assert from "node:assert/strict";
import Replicate, { validateWebhook } from "replicate";

const { TICKETAPP, USER, MODEL } = process.env;
const model = `anyone/${MODEL}`;
const replicate = new Replicate({ auth: USER, baseUrl: `${TICKETAPP}/replicate/v1` });
const open = gate => replicate.predictions.create({ model, input: { open: gate } });

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    // The client has read the body, and has it in its message.
    return { status: error.response?.status, ...JSON.parse(error.message.match(/\{.*\}/s)[0]) };
  }
  throw new Error("Nothing was refused");
}

async function heard(stream, onOutput = () => {}) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (event.event === "output") await onOutput(event);
  }
  return { text: events.join(""), last: events.at(-1), count: events.filter(({ event }) => event === "output").length };
}

const checks = {
  async "run answers with the output"() {
    assert.equal(await replicate.run(model, { input: { pieces: ["Hello"] } }), "Hello");
    assert.deepEqual(await replicate.run(model, { input: { output: { deep: [1, 2.50, null] } } }), { deep: [1, 2.5, null] });
  },
  async "run takes the version of a model"() {
    const { latest_version: version } = await replicate.models.get("anyone", MODEL);
    assert.equal(await replicate.run(`${model}:${version.id}`, { input: { pieces: ["Hello"] } }), "Hello");
    const { output } = await replicate.predictions.create({ version: `${model}:whatever`, input: { pieces: ["Hello"] }, wait: true });
    assert.equal(output, "Hello");
  },
  async "run by polling tells how far it is"() {
    const seen = [];
    const run = replicate.run(
      model, { input: { pieces: ["Hello"] }, wait: { mode: "poll", interval: 20 } }, ({ status }) => seen.push(status));
    assert.equal(await run, "Hello");
    assert.equal(seen.at(-1), "succeeded");
  },
  async "run continues to poll when the wait is over"() {
    const gate = "slow";
    let created;
    const run = replicate.run(
      model, { input: { gate, pieces: ["late"] }, wait: { mode: "block", timeout: 1 } }, prediction => { created ??= prediction; });
    while (!created) await new Promise(resolve => setTimeout(resolve, 20));
    assert.equal(created.status, "starting");
    await open(gate);
    assert.equal(await run, "late");
  },
  async "run throws what the model failed by"() {
    await assert.rejects(replicate.run(model, { input: { fail: "No luck" } }), /Prediction failed: No luck/);
  },
  async "run is canceled by its signal"() {
    const abort = new AbortController();
    let id;
    await replicate.run(
      model, { input: { hold: true }, wait: { mode: "poll", interval: 20 }, signal: abort.signal },
      prediction => { id = prediction.id; if (prediction.status === "processing") abort.abort(); }).catch(() => {});
    assert.equal((await replicate.wait({ id }, { interval: 20 })).status, "canceled");
  },
  async "a prediction is created and waited for"() {
    const prediction = await replicate.predictions.create({ model, input: { pieces: ["Hello"] }, stream: true });
    assert.ok(["starting", "processing", "succeeded"].includes(prediction.status));
    assert.deepEqual(prediction.input, { pieces: ["Hello"] });
    const { status, output, error, metrics, logs, source, data_removed, ...times } = await replicate.wait(prediction, { interval: 20 });
    assert.deepEqual(
      { status, output, error, logs, source, data_removed },
      { status: "succeeded", output: "Hello", error: null, logs: "", source: "api", data_removed: false });
    assert.ok(metrics.predict_time >= 0 && metrics.total_time >= metrics.predict_time);
    assert.ok(new Date(times.created_at) <= new Date(times.started_at) && new Date(times.started_at) <= new Date(times.completed_at));
  },
  async "a prediction is canceled"() {
    const prediction = await replicate.predictions.create({ model, input: { hold: true } });
    await replicate.predictions.cancel(prediction.id);
    const canceled = await replicate.wait(prediction, { interval: 20 });
    assert.deepEqual([canceled.status, canceled.output, canceled.error], ["canceled", null, null]);
    assert.equal((await replicate.predictions.cancel(prediction.id)).status, "canceled");
  },
  async "output is streamed as it grows"() {
    const gate = "stream";
    const pieces = ["Once upon a time\n", "\n there was", " a ticket 🎟"];
    const { text, last, count } = await heard(replicate.stream(model, { input: { gate, pieces } }), () => open(gate));
    assert.deepEqual([text, last.event, JSON.parse(last.data), count], [pieces.join(""), "done", {}, 3]);
  },
  async "output that was not streamed is the last of the stream"() {
    assert.equal((await heard(replicate.stream(model, { input: { output: "All at once" } }))).text, "All at once");
    assert.equal((await heard(replicate.stream(model, { input: { output: { a: 1 } } }))).text, '{"a":1}');
    const list = await heard(replicate.stream(model, { input: { output: ["one", "two"] } }));
    assert.deepEqual([list.text, list.count], ["onetwo", 2]);
  },
  async "a stream of what failed throws, and one of what was canceled says so"() {
    await assert.rejects(heard(replicate.stream(model, { input: { fail: "No luck" } })), /No luck/);
    const prediction = await replicate.predictions.create({ model, input: { hold: true } });
    const stream = await fetch(prediction.urls.stream);
    await replicate.predictions.cancel(prediction.id);
    assert.match(await stream.text(), /event: done\nid: done\ndata: \{"reason":"canceled"\}\n\n$/);
  },
  async "a stream continues with the next attempt where one failed"() {
    const gate = "stumble";
    const stream = replicate.stream(model, { input: { gate, stumble: true, pieces: ["Once ", "upon ", "a time"] } });
    const { text, last } = await heard(stream, () => open(gate));
    assert.deepEqual([text, JSON.parse(last.data)], ["Once upon a time", {}]);
  },
  async "a stream whose text is not the output throws"() {
    const gate = "other";
    const stream = replicate.stream(model, { input: { gate, pieces: ["wrong"], output: "right" } });
    await assert.rejects(heard(stream, () => open(gate)), /get the prediction/);
  },
  async "models are shown"() {
    const found = await replicate.models.get("anyone", MODEL);
    assert.deepEqual([found.owner, found.name, found.visibility], ["anyone", MODEL, "public"]);
    assert.ok((await replicate.models.list()).results.some(({ name }) => name === MODEL));
    assert.deepEqual((await replicate.models.versions.list("anyone", MODEL)).results, [found.latest_version]);
    assert.deepEqual(await replicate.models.versions.get("anyone", MODEL, MODEL), found.latest_version);
  },
  async "webhooks carry the prediction and are validated"() {
    const received = [];
    const server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
      server.emit("received");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { key } = await replicate.webhooks.default.secret.get();
    const arrived = once(server, "received");
    const webhook = `http://127.0.0.1:${server.address().port}/`;
    const prediction = await replicate.predictions.create({
      model, input: { pieces: ["Hello"] }, webhook, webhook_events_filter: ["logs", "completed"],
    });
    await arrived;
    const [{ headers, body }] = received;
    assert.equal(await validateWebhook({ headers, body }, key), true);
    assert.equal(await validateWebhook({ headers, body: `${body} ` }, key), false);
    assert.deepEqual(JSON.parse(body), await replicate.predictions.get(prediction.id));
    server.close();
  },
  async "what is refused is told in the form of the API"() {
    const unknown = await refusal(replicate.run("anyone/nothing", { input: {} }));
    assert.deepEqual([unknown.status, unknown.detail], [404, "There is no such model."]);
    const invalid = await refusal(replicate.predictions.create({ version: "nothing", input: {} }));
    assert.deepEqual([invalid.status, invalid.invalid_fields[0].field], [422, "version"]);
    const stranger = new Replicate({ auth: "r8_stranger", baseUrl: replicate.baseUrl });
    const unauthenticated = await refusal(stranger.predictions.list());
    assert.deepEqual([unauthenticated.status, unauthenticated.title], [401, "Unauthenticated"]);
    assert.match((await refusal(replicate.accounts.current())).detail, /there are predictions/);
  },
  async "predictions are listed page by page"() {
    const tickets = Array.from({ length: 120 }, () => ({ user_id: USER, model: "simulated" }));
    const headers = { "Content-Type": "application/json" };
    await fetch(`${TICKETAPP}/v1/tickets/batch`, { method: "POST", headers, body: JSON.stringify({ tickets }) });
    const pages = [];
    for await (const page of replicate.paginate(replicate.predictions.list)) pages.push(page.map(({ id }) => id));
    assert.deepEqual([pages[0].length, new Set(pages.flat()).size], [100, pages.flat().length]);
    const first = await replicate.predictions.list();
    const second = await (await replicate.request(first.next, {})).json();
    const back = await (await replicate.request(second.previous, {})).json();
    assert.deepEqual([first.previous, back.results.map(({ id }) => id)], [null, pages[0]]);
  },
};

async function run([name, check]) {
  try {
    await check();
    console.log(`ok: ${name}`);
  } catch (error) {
    console.log(`failed: ${name}: ${error.stack.replaceAll("\n", " ")}`);
  }
}

// All at once, but for the last: a list that grows has other pages.
const all = Object.entries(checks);
await Promise.all(all.slice(0, -1).map(run));
await run(all.at(-1));
