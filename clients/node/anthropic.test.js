// The official Anthropic client from npm, unchanged, over a provider of each dialect.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { PIXEL, abandoned, gateways } from "./gateways.js";

const tools = [
  {
    name: "get_weather",
    description: "The weather somewhere",
    input_schema: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city", "days"],
    },
  },
];
const ask = (content) => ({ model: "standard", max_tokens: 100, messages: [{ role: "user", content }] });

for (const gateway of gateways) {
  const client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.token, maxRetries: 0 });

  describe(`anthropic over ${gateway.dialect}`, () => {
    test("a whole answer with its usage and the request's id", async () => {
      const answer = await client.messages.create(ask("count the tokens"));
      assert.equal(answer.content[0].text, "eleven and twenty two");
      assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [11, 22]);
      assert.ok(answer._request_id);
    });

    test("a streamed answer with its usage", async () => {
      const stream = client.messages.stream(ask("count the tokens"));
      let text = "";
      stream.on("text", (piece) => (text += piece));
      const answer = await stream.finalMessage();
      assert.equal(text, "eleven and twenty two");
      assert.deepEqual([answer.usage.output_tokens, answer.stop_reason], [22, "end_turn"]);
    });

    test("tokens are counted before the prompt is sent", async () => {
      const { model, messages } = ask("hello");
      const counted = await client.messages.countTokens({ model, messages });
      assert.ok(counted.input_tokens > 0);
    });

    test("system prompts, stop sequences and limits", async () => {
      const asked = { ...ask("one two three four"), system: "Be brief." };
      const stopped = await client.messages.create({ ...asked, stop_sequences: ["three"] });
      assert.equal(stopped.content[0].text, "You said: one two ");
      const cut = await client.messages.create({ ...asked, max_tokens: 3 });
      assert.equal(cut.stop_reason, "max_tokens");
    });

    test("tools side by side, streamed and whole, and their results", async () => {
      const asked = { ...ask("The weather in 'Lima' and 'Ōsaka' for 2 days?"), tools };
      const streamed = await client.messages.stream(asked).finalMessage();
      const whole = await client.messages.create(asked);
      for (const answer of [streamed, whole]) {
        const calls = answer.content.filter((block) => block.type === "tool_use");
        assert.deepEqual(calls.map((call) => call.input.city), ["Lima", "Ōsaka"]);
        assert.equal(answer.stop_reason, "tool_use");
      }
      const calls = whole.content.filter((block) => block.type === "tool_use");
      const content = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "sunny" }));
      const messages = [...asked.messages, { role: "assistant", content: whole.content }, { role: "user", content }];
      const last = await client.messages.create({ ...asked, messages });
      assert.equal(last.content[0].text, "The tool gave you this: sunny");
    });

    test("structured output by a forced tool and by a format", async () => {
      const asked = ask("'Lima' for 10 days");
      const tool_choice = { type: "tool", name: "get_weather" };
      const forced = await client.messages.create({ ...asked, tools, tool_choice });
      assert.deepEqual(forced.content.at(-1).input, { city: "Lima", days: 10 });
      const format = { type: "json_schema", schema: tools[0].input_schema };
      const written = await client.messages.create({ ...asked, output_config: { format } });
      assert.deepEqual(JSON.parse(written.content[0].text), { city: "Lima", days: 10 });
    });

    test("images by address and inline", async () => {
      const sources = [
        { type: "url", url: "https://example.com/a.png" },
        { type: "base64", media_type: "image/png", data: PIXEL },
      ];
      const answer = await client.messages.create(ask(sources.map((source) => ({ type: "image", source }))));
      assert.match(answer.content[0].text, /^I see pictures: 2\./);
    });

    for (const [prompt, error, status] of [
      ["fail with 400", Anthropic.BadRequestError, 400],
      ["fail for its length", Anthropic.BadRequestError, 400],
      ["fail with 404", Anthropic.NotFoundError, 404],
      ["fail with 429", Anthropic.RateLimitError, 429],
      ["fail with 401", Anthropic.InternalServerError, 502],
      ["fail with 500", Anthropic.InternalServerError, 502],
    ]) {
      test(`a provider that has to "${prompt}"`, async () => {
        for (const stream of [false, true]) {
          const raised = await client.messages.create({ ...ask(prompt), stream }).catch((it) => it);
          assert.ok(raised instanceof error, `${raised}`);
          assert.equal(raised.status, status);
          assert.ok(raised.requestID);
        }
      });
    }

    test("a wrong token, a request that cannot be read and one that is too large", async () => {
      const stranger = client.withOptions({ apiKey: "atl_wrong" });
      await assert.rejects(stranger.messages.create(ask("x")), Anthropic.AuthenticationError);
      await assert.rejects(client.messages.create({ ...ask("x"), messages: [] }), Anthropic.BadRequestError);
      const large = await client.messages.create(ask("x".repeat(33 << 20))).catch((it) => it);
      assert.equal(large.status, 413);
    });

    test("a stream that breaks off raises and does not just end", async () => {
      let text = "";
      const stream = client.messages.stream(ask("break off"));
      stream.on("text", (piece) => (text += piece));
      await assert.rejects(stream.finalMessage(), Anthropic.APIError);
      // Where it breaks before the first word is read, there is none.
      assert.ok("one two ".startsWith(text), text);
    });

    test("cancelling in mid-stream hangs up on the model", async () => {
      const prompt = `speak slowly ${randomUUID()}`;
      const stream = await client.messages.create({ ...ask(prompt), stream: true });
      for await (const event of stream) if (event.type === "content_block_delta") break;
      await abandoned(prompt);
    });

    test("models are listed", async () => {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      assert.deepEqual(ids, ["model/standard", "offline/rules"]);
    });
  });
}
