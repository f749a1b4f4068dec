/**
 * The official OpenAI SDK for Node, unmodified, against a running server:
 * `npm run check -- <base-url> <token> <model>`. The model repeats what it hears, and fails when
 * it hears "fail".
 */

import assert from "node:assert/strict";
import process from "node:process";

import OpenAI from "openai";

const [baseUrl, token, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: token });

const say = (content) => [{ role: "user", content }];

/** The roles and contents that the server keeps. */
async function history(conversation) {
  const response = await fetch(`${baseUrl}/api/chat/conversations/${conversation}/messages`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { messages } = await response.json();
  return messages.map(({ role, content }) => [role, content]);
}

const whole = await client.chat.completions.create({ model, messages: say("hello") });
assert.equal(whole.choices[0].message.content, "You said: hello");
assert.equal(whole.usage.total_tokens, 18);

let text = "";
let usage;
const chunks = await client.chat.completions.create({
  model,
  messages: say("stream"),
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of chunks) {
  text += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text, "You said: stream");
assert.equal(usage.total_tokens, 18);

const helper = client.chat.completions.stream({ model, messages: say("helper") });
const final = await helper.finalChatCompletion();
assert.equal(final.choices[0].message.content, "You said: helper");
assert.equal(final.choices[0].message.role, "assistant");
assert.equal(final.choices[0].finish_reason, "stop");

const models = [];
for await (const { id } of client.models.list()) {
  models.push(id);
}
assert.deepEqual(models, [model]);

// A list of messages becomes a conversation, which the next call goes on with.
const { data, response } = await client.chat.completions
  .create({
    model,
    messages: [
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
      { role: "user", content: "three" },
    ],
  })
  .withResponse();
assert.equal(data.choices[0].message.content, "You said: three");
const conversation = response.headers.get("x-conversation-id");
const headers = { "X-Conversation-Id": conversation };
await client.chat.completions.create({ model, messages: say("four") }, { headers });
const kept = [
  ["user", "one"],
  ["assistant", "two"],
  ["user", "three"],
  ["assistant", "You said: three"],
  ["user", "four"],
  ["assistant", "You said: four"],
];
assert.deepEqual(await history(conversation), kept);

// The SDK repeats what fails; the message is kept once.
await assert.rejects(
  client.chat.completions.create({ model, messages: say("fail") }, { headers }),
  (error) => error instanceof OpenAI.InternalServerError && error.code === "model_failed",
);
assert.deepEqual(await history(conversation), [...kept, ["user", "fail"]]);
await assert.rejects(
  async () => {
    const failing = { model, messages: say("fail"), stream: true };
    for await (const _ of await client.chat.completions.create(failing)) {
      // Until it fails.
    }
  },
  (error) => error instanceof OpenAI.APIError && /usable answer/.test(error.message),
);

const stranger = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: "nonsense" });
await assert.rejects(
  stranger.models.list(),
  (error) => error instanceof OpenAI.AuthenticationError && /Invalid token/.test(error.message),
);
await assert.rejects(
  client.chat.completions.create({ model, messages: say("x"), n: 2 }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === "n",
);
const unknown = { headers: { "X-Conversation-Id": "01890a5d-ac96-774b-bcce-b302099a8057" } };
await assert.rejects(
  client.chat.completions.create({ model, messages: say("x") }, unknown),
  (error) =>
    error instanceof OpenAI.NotFoundError &&
    /Conversation not found/.test(error.message) &&
    error.requestID.length === 36,
);
console.log("ok");
