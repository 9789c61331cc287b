// OpenAI's client at `/v1/responses`.

import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import { gateways } from "./gateways.js";

const model = "standard";
const text = "Olá, this is a scripted answer.";
const weather = {
  type: "function",
  name: "weather",
  description: "Tells the weather",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

for (const { dialect, url, token } of gateways) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });

  test(`over ${dialect}: a whole answer`, async () => {
    const answer = await client.responses.create({ model, input: "Say the scripted line" });
    assert.equal(answer.status, "completed");
    assert.equal(answer.output_text, text);
    assert.equal(answer.usage.output_tokens, 5);
  });

  test(`over ${dialect}: a stream has its events in order`, async () => {
    const kinds = [];
    let said = "";
    for await (const event of await client.responses.create({ model, input: "Say the scripted line", stream: true })) {
      assert.equal(event.sequence_number, kinds.length);
      kinds.push(event.type);
      if (event.type === "response.output_text.delta") said += event.delta;
    }
    assert.equal(said, text);
    assert.equal(kinds[0], "response.created");
    assert.equal(kinds.at(-1), "response.completed");
  });

  test(`over ${dialect}: a tool is called`, async () => {
    const stream = client.responses.stream({ model, input: "Use the scripted tool", tools: [weather] });
    const answer = await stream.finalResponse();
    const calls = answer.output.filter((item) => item.type === "function_call");
    assert.deepEqual(
      calls.map((call) => [call.call_id, call.name, JSON.parse(call.arguments)]),
      [["c1", "weather", { city: "Ōsaka" }]],
    );
  });

  test(`over ${dialect}: what would have to be kept is refused`, async () => {
    await assert.rejects(client.responses.retrieve("resp_1"), { status: 404, code: "response_not_found" });
  });
}
