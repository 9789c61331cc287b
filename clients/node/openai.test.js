// The official OpenAI client from npm, unchanged, over a provider of each dialect.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { PIXEL, abandoned, gateways } from "./gateways.js";

const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather somewhere",
      parameters: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer" } },
        required: ["city", "days"],
      },
    },
  },
];
const City = z.object({ name: z.string(), people: z.number() });
const ask = (content) => ({ model: "standard", messages: [{ role: "user", content }] });

for (const gateway of gateways) {
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.token, maxRetries: 0 });
  const chat = client.chat.completions;

  describe(`openai over ${gateway.dialect}`, () => {
    test("a whole answer with its usage and the request's id", async () => {
      const answer = await chat.create(ask("count the tokens"));
      assert.equal(answer.choices[0].message.content, "eleven and twenty two");
      assert.equal(answer.usage.total_tokens, 33);
      assert.ok(answer._request_id);
    });

    test("a streamed answer with its usage", async () => {
      const asked = { ...ask("count the tokens"), stream: true };
      let text = "";
      let usage;
      for await (const chunk of await chat.create({ ...asked, stream_options: { include_usage: true } })) {
        text += chunk.choices[0]?.delta.content ?? "";
        usage = chunk.usage ?? usage;
      }
      assert.equal(text, "eleven and twenty two");
      assert.equal(usage.total_tokens, 33);
      for await (const chunk of await chat.create(asked)) assert.equal(chunk.usage ?? null, null);
    });

    test("system prompts, stop sequences and limits", async () => {
      const asked = ask("one two three four");
      asked.messages.unshift({ role: "system", content: "Be brief." });
      const stopped = await chat.create({ ...asked, stop: ["three"] });
      assert.equal(stopped.choices[0].message.content, "You said: one two ");
      const cut = await chat.create({ ...asked, max_completion_tokens: 3 });
      assert.equal(cut.choices[0].finish_reason, "length");
    });

    test("tools side by side, streamed and whole, and their results", async () => {
      const asked = { ...ask("The weather in 'Lima' and 'Ōsaka' for 2 days?"), tools };
      const streamed = await chat.stream(asked).finalChatCompletion();
      const whole = await chat.create(asked);
      for (const answer of [streamed, whole]) {
        const calls = answer.choices[0].message.tool_calls;
        const cities = calls.map((call) => JSON.parse(call.function.arguments).city);
        assert.deepEqual(cities, ["Lima", "Ōsaka"]);
        assert.equal(answer.choices[0].finish_reason, "tool_calls");
      }
      const { message } = whole.choices[0];
      const results = message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "sunny" }));
      const messages = [...asked.messages, message, ...results];
      const last = await chat.create({ ...asked, messages });
      assert.equal(last.choices[0].message.content, "The tool gave you this: sunny");
    });

    test("structured output", async () => {
      const response_format = zodResponseFormat(City, "city");
      const answer = await chat.parse({ ...ask("The city 'Lima' has 10 million people"), response_format });
      assert.deepEqual(answer.choices[0].message.parsed, { name: "Lima", people: 10 });
    });

    test("images by address and inline", async () => {
      const image = (url) => ({ type: "image_url", image_url: { url } });
      const parts = [image("https://example.com/a.png"), image(`data:image/png;base64,${PIXEL}`)];
      const answer = await chat.create(ask([{ type: "text", text: "look" }, ...parts]));
      assert.match(answer.choices[0].message.content, /^I see pictures: 2\./);
    });

    for (const [prompt, error, status, code] of [
      ["fail with 400", OpenAI.BadRequestError, 400, "no_model_answered"],
      ["fail for its length", OpenAI.BadRequestError, 400, "context_length_exceeded"],
      ["fail with 404", OpenAI.NotFoundError, 404, "model_not_found"],
      ["fail with 429", OpenAI.RateLimitError, 429, "no_model_answered"],
      ["fail with 401", OpenAI.InternalServerError, 502, "no_model_answered"],
      ["fail with 500", OpenAI.InternalServerError, 502, "no_model_answered"],
    ]) {
      test(`a provider that has to "${prompt}"`, async () => {
        for (const stream of [false, true]) {
          const raised = await chat.create({ ...ask(prompt), stream }).catch((it) => it);
          assert.ok(raised instanceof error, `${raised}`);
          assert.deepEqual([raised.status, raised.code], [status, code]);
          assert.ok(raised.requestID);
        }
      });
    }

    test("a wrong token, a request that cannot be read and one that is too large", async () => {
      const stranger = client.withOptions({ apiKey: "atl_wrong" });
      await assert.rejects(stranger.chat.completions.create(ask("x")), OpenAI.AuthenticationError);
      await assert.rejects(chat.create({ model: "standard", messages: [] }), OpenAI.BadRequestError);
      const large = await chat.create(ask("x".repeat(33 << 20))).catch((it) => it);
      assert.equal(large.status, 413);
    });

    test("a stream that breaks off raises and does not just end", async () => {
      let text = "";
      await assert.rejects(async () => {
        for await (const chunk of await chat.create({ ...ask("break off"), stream: true })) {
          text += chunk.choices[0].delta.content ?? "";
        }
      }, OpenAI.APIError);
      // Where it breaks before the first word is read, there is none.
      assert.ok("one two ".startsWith(text), text);
    });

    test("cancelling in mid-stream hangs up on the model", async () => {
      const prompt = `speak slowly ${randomUUID()}`;
      const stream = await chat.create({ ...ask(prompt), stream: true });
      for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
      await abandoned(prompt);
    });

    test("embeddings tell what means the same", async () => {
      const input = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose in May."];
      const answer = await client.embeddings.create({ model: "all-MiniLM-L6-v2", input });
      const [cat, kitten, rates] = answer.data.map((item) => item.embedding);
      const cosine = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);
      assert.equal(cat.length, 384);
      assert.ok(cosine(cat, kitten) > 0.5 && cosine(cat, rates) < 0.2);
      const unknown = client.embeddings.create({ model: "nothing", input });
      await assert.rejects(unknown, OpenAI.NotFoundError);
    });

    test("models are listed", async () => {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      assert.deepEqual(ids, ["model/standard", "offline/rules", "all-MiniLM-L6-v2"]);
    });
  });
}
