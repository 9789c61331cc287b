// The protocol's official TypeScript client, over HTTP or over a program's standard input and output:
// what it finds goes to standard output as JSON.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { MCP_URL, MCP_TOKEN, MCP_COMMAND } = process.env;

const transport = MCP_COMMAND
  ? new StdioClientTransport({
      command: MCP_COMMAND,
      args: ["mcp"],
      env: { ...process.env, ATELIER_URL: MCP_URL, ATELIER_TOKEN: MCP_TOKEN },
      stderr: "inherit",
    })
  : new StreamableHTTPClientTransport(new URL(`${MCP_URL}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${MCP_TOKEN}` } },
    });
const client = new Client({ name: "atelier-tests", version: "1.0.0" });
await client.connect(transport);

const call = async (name, args, options) => {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
  // The client has held it against the tool's outputSchema.
  return result.structuredContent;
};

const { tools } = await client.listTools();
const text = "The rooftop garden opens at seven.";
const stored = await call("memory_ingest", { title: "Garden", text });
const found = await call("memory_search", { query: "When does the garden open?" });
const read = await client.readResource({ uri: stored.uri });
const { resourceTemplates } = await client.listResourceTemplates();
const completed = await client.complete({
  ref: { type: "ref/resource", uri: "atelier://documents/{id}" },
  argument: { name: "id", value: "gard" },
});
const prompt = await client.getPrompt({ name: "search_and_answer", arguments: { question: "garden" } });
let progress = 0;
const run = await call("run_goal", { goal: "Add 2 and 2" }, { onprogress: () => (progress += 1) });
const refused = await client.callTool({ name: "get_run", arguments: { run_id: "run_none" } });

console.log(
  JSON.stringify({
    server: client.getServerVersion().name,
    tools: tools.map((tool) => tool.name),
    found: found.passages.map((passage) => passage.text),
    read: read.contents[0].text,
    templates: resourceTemplates.map((template) => template.uriTemplate),
    completed: completed.completion.values.includes(stored.document_id),
    prompt: prompt.messages[0].content.text.includes(text),
    status: run.status,
    progress: progress > 0,
    refused: refused.isError,
  }),
);
await client.close();
