"""The protocol's official Python client, over HTTP or over a program's standard input and output.

What it finds goes to standard output as JSON. MCP_MODE says how it connects: `legacy` begins with
`initialize`, `2026-07-28` has every request stand alone, `auto` finds out.
"""

import asyncio
import json
import os

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ResourceTemplateReference

URL, TOKEN = os.environ["MCP_URL"], os.environ["MCP_TOKEN"]
COMMAND = os.environ.get("MCP_COMMAND")
TEXT = "The rooftop garden opens at seven."


def server():
    """What to connect to."""
    if COMMAND:
        surroundings = {**os.environ, "ATELIER_URL": URL, "ATELIER_TOKEN": TOKEN}
        return StdioServerParameters(command=COMMAND, args=["mcp"], env=surroundings)
    # Not through a proxy that the environment may name.
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60, trust_env=False)
    return streamable_http_client(f"{URL}/mcp", http_client=http)


async def main() -> None:
    progress = []

    async def heard(done: float, _total: float | None, _message: str | None) -> None:
        progress.append(done)

    async with Client(server(), mode=os.environ["MCP_MODE"]) as client:

        async def call(name: str, arguments: dict, **options) -> dict:
            result = await client.call_tool(name, arguments, **options)
            assert not result.is_error, result.content
            return result.structured_content

        tools = await client.list_tools()
        stored = await call("memory_ingest", {"title": "Garden", "text": TEXT})
        found = await call("memory_search", {"query": "When does the garden open?"})
        read = await client.read_resource(stored["uri"])
        templates = await client.list_resource_templates()
        reference = ResourceTemplateReference(uri="atelier://documents/{id}")
        completed = await client.complete(reference, {"name": "id", "value": "gard"})
        prompt = await client.get_prompt("search_and_answer", {"question": "garden"})
        run = await call("run_goal", {"goal": "Add 2 and 2"}, progress_callback=heard)
        refused = await client.call_tool("get_run", {"run_id": "run_none"})
        print(
            json.dumps(
                {
                    "version": client.protocol_version,
                    "tools": [tool.name for tool in tools.tools],
                    "found": [passage["text"] for passage in found["passages"]],
                    "read": read.contents[0].text,
                    "templates": [template.uri_template for template in templates.resource_templates],
                    "completed": stored["document_id"] in completed.completion.values,
                    "prompt": TEXT in prompt.messages[0].content.text,
                    "status": run["status"],
                    "progress": bool(progress),
                    "refused": refused.is_error,
                }
            )
        )


asyncio.run(main())
