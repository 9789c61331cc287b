"""While developing: tells open pages to load again when a file changed or the server was restarted."""

from pathlib import Path

import anyio
from fastapi import APIRouter, Response, WebSocket, WebSocketDisconnect
from watchfiles import DefaultFilter, awatch

FOLDER = Path(__file__).parent

live_reload = APIRouter(include_in_schema=False)


class NotPython(DefaultFilter):
    """Leaves out what restarts the server anyway."""

    def __call__(self, change, path: str) -> bool:
        return not path.endswith(".py") and super().__call__(change, path)


@live_reload.websocket("/events")
async def events(socket: WebSocket) -> None:
    """Open as long as the page is; the server's restart closes it as well."""
    await socket.accept()

    async def report_changes() -> None:
        async for _ in awatch(FOLDER, watch_filter=NotPython(), debounce=200):
            await socket.send_text("reload")

    async with anyio.create_task_group() as group:
        group.start_soon(report_changes)
        try:
            await socket.receive_text()
        except WebSocketDisconnect:
            pass
        group.cancel_scope.cancel()


@live_reload.get("/client.js")
def client() -> Response:
    """What the page runs."""
    return Response(CLIENT, media_type="text/javascript")


# When the line was cut, the server is starting again: it is asked until it answers.
CLIENT = """
const socket = new WebSocket(new URL('events', import.meta.url.replace(/^http/, 'ws')))
socket.onmessage = () => location.reload()
socket.onclose = waitForServer

async function waitForServer() {
  const answer = await fetch(import.meta.url, { cache: 'no-store' }).catch(() => null)
  if (answer?.ok) location.reload()
  else setTimeout(waitForServer, 300)
}
"""
