// What OpenAI's own client makes of the façade. Each check prints a line: its name, and what went wrong if anything did.
import assert from "node:assert/strict";
import OpenAI from "openai";

const baseURL = process.env.BASE_URL;
const client = new OpenAI({ baseURL, apiKey: process.env.API_KEY, maxRetries: 0 });
const model = process.env.MODEL;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function finished(id) {
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (response.status !== "queued" && response.status !== "in_progress") return response;
    await pause(50);
  }
}

async function failure(promise) {
  try { await promise; } catch (error) { return error; }
  assert.fail("It was not refused");
}

/** All events of a stream; what follows the first delta comes only once the server has been told to continue. */
async function read(stream, onDelta = async () => {}) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
    if (event.type === "response.output_text.delta") await onDelta(event);
  }
  return events;
}

const goOn = (name) => client.chat.completions.create({ model, messages: [{ role: "user", content: `release ${name}` }] });
const textOf = (events) => events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join("");
const numbersGrow = (events) =>
  assert.ok(events.every((event, i) => i === 0 || event.sequence_number > events[i - 1].sequence_number), "The numbers do not grow");

const checks = {
  async "models are listed and found"() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.ok(ids.includes(model) && !ids.includes("simulated"));
    assert.equal((await client.models.retrieve(model)).object, "model");
    const error = await failure(client.models.retrieve("simulated"));
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
  },

  async "a response is waited for"() {
    const response = await client.responses.create({
      model, input: "echo grüße 😀", metadata: { order: "17" }, temperature: 0.5, max_output_tokens: 100, service_tier: "priority",
    });
    assert.equal(response.output_text, "grüße 😀");
    assert.equal(response.status, "completed");
    assert.equal(response.model, model);
    assert.deepEqual(response.metadata, { order: "17" });
    assert.deepEqual([response.temperature, response.max_output_tokens, response.service_tier], [0.5, 100, "priority"]);
    assert.deepEqual([response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens], [11, 7, 18]);
    assert.ok(response.completed_at >= response.created_at && response._request_id);
    assert.deepEqual(await client.responses.retrieve(response.id), withoutRequest(response));
  },

  async "messages, instructions and a schema reach the model and come back"() {
    const format = { type: "json_schema", name: "answer", strict: true, schema: { type: "object", properties: {} } };
    const response = await client.responses.create({
      model,
      instructions: "Be brief.",
      input: [
        { role: "developer", content: "Be kind." },
        {
          role: "user",
          content: [{ type: "input_text", text: "look" }, { type: "input_image", image_url: "https://example.com/a.png", detail: "low" }],
        },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "A cat.", annotations: [] }] },
        { role: "user", content: "asked" },
      ],
      text: { format }, reasoning: { effort: "low" }, top_p: 0.9,
    });
    const asked = JSON.parse(response.output_text);
    assert.deepEqual(asked.messages, [
      { role: "system", content: "Be brief." },
      { role: "system", content: "Be kind." },
      {
        role: "user",
        content: [{ type: "text", text: "look" }, { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } }],
      },
      { role: "assistant", content: "A cat." },
      { role: "user", content: "asked" },
    ]);
    const { type, ...schema } = format;
    assert.deepEqual(asked.response_format, { type, json_schema: schema });
    assert.deepEqual([asked.reasoning_effort, asked.top_p, "metadata" in asked], ["low", 0.9, false]);
    assert.deepEqual(response.text.format, format);
    assert.deepEqual([response.instructions, response.reasoning.effort, response.top_p], ["Be brief.", "low", 0.9]);
  },

  async "a response in the background is asked for until it has ended"() {
    const begun = await client.responses.create({ model, input: "hold background", background: true, metadata: { a: "b" } });
    assert.deepEqual([begun.status, begun.background, begun.output, begun.usage], ["queued", true, [], null]);
    await goOn("background");
    const response = await finished(begun.id);
    assert.deepEqual([response.status, response.output_text, response.metadata.a], ["completed", "Hello", "b"]);
  },

  async "a stream in the background is resumed while it runs, and after it has ended"() {
    const begun = [];
    for await (const event of await client.responses.create({ model, input: "hold resumed", background: true, stream: true })) {
      begun.push(event);
      if (event.type === "response.output_text.delta") break;
    }
    const id = begun[0].response.id;
    assert.deepEqual(begun.map((event) => event.type), [
      "response.created", "response.queued", "response.in_progress", "response.output_item.added", "response.content_part.added",
      "response.output_text.delta",
    ]);
    const last = begun.at(-1).sequence_number;
    const rest = client.responses.retrieve(id, { stream: true, starting_after: last });
    await goOn("resumed");
    const events = [...begun, ...(await read(await rest))];
    numbersGrow(events);
    assert.equal(textOf(events), "Hello");
    assert.deepEqual(events.slice(-4).map((event) => event.type), [
      "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
    ]);
    assert.equal(events.at(-4).text, "Hello");
    assert.equal(events.at(-1).response.output[0].id, events.at(-2).item.id);

    const later = await read(await client.responses.retrieve(id, { stream: true, starting_after: last }));
    assert.equal(textOf(begun) + textOf(later), "Hello");
    assert.deepEqual(later.at(-1), events.at(-1));
    const whole = await read(await client.responses.retrieve(id, { stream: true }));
    assert.equal(textOf(whole), "Hello");
    assert.deepEqual(whole.at(-1), events.at(-1));
    assert.deepEqual(await read(await client.responses.retrieve(id, { stream: true, starting_after: events.at(-1).sequence_number })), []);
  },

  async "the client's own stream of a response joins it, new and old"() {
    const stream = client.responses.stream({ model, input: "hold joined" });
    let said = "";
    stream.on("response.output_text.delta", (event) => {
      said += event.delta;
      if (said === "Hel") goOn("joined");
    });
    const response = await stream.finalResponse();
    assert.deepEqual([said, response.output_text, response.status], ["Hello", "Hello", "completed"]);
    const again = await client.responses.stream({ response_id: response.id, starting_after: 2 }).finalResponse();
    assert.equal(again.output_text, "Hello");
  },

  async "an attempt that fails in the middle leaves an incomplete message"() {
    let released = false;
    const events = await read(
      await client.responses.create({ model, input: "flaky attempt", stream: true }),
      async () => { if (!released) { released = true; await goOn("attempt"); } });
    numbersGrow(events);
    const items = events.filter((event) => event.type === "response.output_item.done")
      .map(({ item }) => [item.status, item.content[0].text]);
    assert.deepEqual(items, [["incomplete", "Once upon"], ["completed", "A better answer"]]);
    const response = events.at(-1).response;
    assert.deepEqual([response.output.length, response.output[0].content[0].text], [1, "A better answer"]);
    assert.deepEqual(events.filter((event) => event.type === "response.output_item.added").map((event) => event.output_index), [0, 1]);
    assert.equal((await client.responses.stream({ response_id: response.id }).finalResponse()).output_text, "A better answer");
    const abandoned = events.find((event) => event.type === "response.output_text.delta").sequence_number;
    const rest = await read(await client.responses.retrieve(response.id, { stream: true, starting_after: abandoned }));
    assert.deepEqual([rest[0].type, rest[0].output_index, textOf(rest)], ["response.output_item.added", 1, "A better answer"]);
  },

  async "a completion that was streamed of an attempt that failed ends with an error"() {
    let released = false;
    const error = await failure((async () => {
      const stream = await client.chat.completions.create({ model, messages: [{ role: "user", content: "flaky chat" }], stream: true });
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content && !released) { released = true; await goOn("chat"); }
      }
    })());
    assert.equal(error.code, "stream_contradicted");
  },

  async "a response that is cut is incomplete"() {
    const response = await client.responses.create({ model, input: "cut", max_output_tokens: 1 });
    assert.deepEqual(
      [response.status, response.incomplete_details.reason, response.output_text], ["incomplete", "max_output_tokens", "Too lo"]);
    const stream = await read(await client.responses.create({ model, input: "cut", stream: true }));
    assert.equal(stream.at(-1).type, "response.incomplete");
  },

  async "a response that fails says why"() {
    const response = await client.responses.create({ model, input: "fail" });
    assert.deepEqual([response.status, response.error.code, response.output], ["failed", "server_error", []]);
    assert.match(response.error.message, /refused the key/);
    const stream = await read(await client.responses.create({ model, input: "fail", stream: true, background: true }));
    assert.deepEqual([stream.at(-1).type, stream.at(-1).response.status], ["response.failed", "failed"]);
  },

  async "a response is canceled and deleted"() {
    const begun = await client.responses.create({ model, input: "stall", background: true });
    const stream = read(await client.responses.retrieve(begun.id, { stream: true }));
    for (;;) {
      if ((await client.responses.retrieve(begun.id)).status === "in_progress") break;
      await pause(50);
    }
    assert.equal((await failure(client.responses.delete(begun.id))).code, "response_not_finished");
    assert.equal((await client.responses.cancel(begun.id)).status, "cancelled");
    assert.equal((await client.responses.cancel(begun.id)).status, "cancelled");
    assert.deepEqual([(await stream).at(-1).type, (await stream).at(-1).response.status], ["response.failed", "cancelled"]);
    await client.responses.delete(begun.id);
    assert.ok((await failure(client.responses.retrieve(begun.id))) instanceof OpenAI.NotFoundError);
    assert.ok((await failure(client.responses.cancel(begun.id))) instanceof OpenAI.NotFoundError);
  },

  async "a response that is not to be stored is gone once it was answered"() {
    const response = await client.responses.create({ model, input: "echo secret", store: false });
    assert.deepEqual([response.output_text, response.store], ["secret", false]);
    assert.ok((await failure(client.responses.retrieve(response.id))) instanceof OpenAI.NotFoundError);
  },

  async "a response follows another one"() {
    const first = await client.responses.create({ model, instructions: "One.", input: "echo first" });
    const second = await client.responses.create({ model, instructions: "Two.", input: "echo second", previous_response_id: first.id });
    const third = await client.responses.create({ model, input: "asked", previous_response_id: second.id });
    assert.deepEqual(JSON.parse(third.output_text).messages.map((message) => `${message.role}: ${message.content}`), [
      "user: echo first", "assistant: first", "user: echo second", "assistant: second", "user: asked",
    ]);
    assert.equal(third.previous_response_id, second.id);
    const unknown = "resp_00000000000000000000000000000000";
    const error = await failure(client.responses.create({ model, input: "x", previous_response_id: unknown }));
    assert.deepEqual([error.code, error.param], ["previous_response_not_found", "previous_response_id"]);
  },

  async "the same idempotency key is the same response"() {
    const options = { headers: { "Idempotency-Key": `key-${Date.now()}` } };
    const first = await client.responses.create({ model, input: "echo once" }, options);
    const second = await client.responses.create({ model, input: "echo once" }, options);
    assert.equal(second.id, first.id);
    const error = await failure(client.responses.create({ model, input: "echo twice" }, options));
    assert.ok(error instanceof OpenAI.UnprocessableEntityError);
  },

  async "a chat completion is waited for"() {
    const completion = await client.chat.completions.create({
      model, seed: 7, stop: ["END"], response_format: { type: "json_object" }, metadata: { a: "b" },
      messages: [{ role: "developer", content: "Be brief." }, { role: "user", content: [{ type: "text", text: "asked" }] }],
    });
    const [choice] = completion.choices;
    assert.deepEqual([choice.finish_reason, choice.message.role, completion.object], ["stop", "assistant", "chat.completion"]);
    const asked = JSON.parse(choice.message.content);
    assert.deepEqual(asked.messages, [
      { role: "developer", content: "Be brief." }, { role: "user", content: [{ type: "text", text: "asked" }] },
    ]);
    assert.deepEqual([asked.seed, asked.stop, asked.response_format], [7, ["END"], { type: "json_object" }]);
    assert.deepEqual([completion.usage.prompt_tokens, completion.usage.completion_tokens, completion.usage.total_tokens], [11, 7, 18]);
    assert.deepEqual(completion.metadata, { a: "b" });
  },

  async "a chat completion is streamed while it grows"() {
    const stream = await client.chat.completions.create({
      model, messages: [{ role: "user", content: "hold chat-stream" }], stream: true, stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (chunk.choices[0]?.delta.content === "Hel") await goOn("chat-stream");
    }
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "Hello");
    assert.deepEqual([chunks[0].choices[0].delta.role, chunks.at(-2).choices[0].finish_reason], ["assistant", "stop"]);
    assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage.total_tokens], [[], 18]);
    const whole = await client.chat.completions.stream({ model, messages: [{ role: "user", content: "echo joined" }] }).finalContent();
    assert.equal(whole, "joined");
  },

  async "a chat completion that fails is not asked for again by itself"() {
    const stubborn = new OpenAI({ baseURL, apiKey: process.env.API_KEY, maxRetries: 2 });
    const error = await failure(stubborn.chat.completions.create({ model, messages: [{ role: "user", content: "fail" }] }));
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.deepEqual([error.code, error.type, error.headers.get("x-should-retry")], ["model_error", "server_error", "false"]);
    const stream = await client.chat.completions.create({ model, messages: [{ role: "user", content: "fail" }], stream: true });
    assert.equal((await failure((async () => { for await (const _ of stream); })())).code, "model_error");
  },

  async "what a chat model cannot do is refused with its parameter"() {
    const tools = [{ type: "function", name: "f", parameters: {}, strict: true }];
    const error = await failure(client.responses.create({ model, input: "x", tools }));
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param, error.type], ["unsupported_value", "tools", "invalid_request_error"]);
    const other = await failure(client.responses.create({ model: "simulated", input: "x" }));
    assert.deepEqual([other.status, other.code, other.param], [404, "model_not_found", "model"]);
  },

  async "a key that names no user is refused"() {
    for (const apiKey of ["sk-none", "00000000-0000-4000-8000-000000000000"]) {
      const stranger = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
      const error = await failure(stranger.responses.create({ model, input: "x" }));
      assert.ok(error instanceof OpenAI.AuthenticationError, error.message);
      assert.equal(error.code, "invalid_api_key");
    }
  },
};

function withoutRequest(response) {
  // Not of the answer, but of what the client adds to it.
  return JSON.parse(JSON.stringify(response));
}

const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => {
  try {
    await check();
    return `ok ${name}`;
  } catch (error) {
    return `not ok ${name}: ${error.stack.replaceAll("\n", " | ")}`;
  }
}));
console.log(results.join("\n"));
