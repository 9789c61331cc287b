"""While developing: tells open pages to load again when a file changed or the server was restarted."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse

FOLDER = Path(__file__).parent
PERIOD_SECONDS = 0.25

stopping = asyncio.Event()


@asynccontextmanager
async def end_with_the_server(app: FastAPI) -> AsyncIterator[None]:
    """The server waits for open answers before it stops, so it is told to them that it wants to."""
    before = signal.getsignal(signal.SIGTERM)

    def stop(*arguments) -> None:
        stopping.set()
        if callable(before):
            before(*arguments)

    signal.signal(signal.SIGTERM, stop)
    yield


live_reload = APIRouter(include_in_schema=False, lifespan=end_with_the_server)


@live_reload.get("/events")
async def events() -> StreamingResponse:
    """Says "reload" when a file changes. Open as long as the page is."""
    return StreamingResponse(report_changes(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def report_changes() -> AsyncIterator[str]:
    yield "retry: 300\n\n"
    known = changed_at()
    while not stopping.is_set():
        await asyncio.sleep(PERIOD_SECONDS)
        if changed_at() > known:
            known = changed_at()
            yield "data: reload\n\n"


def changed_at() -> int:
    """When something was changed last, apart from Python, which restarts the server anyway."""
    files = (path for path in FOLDER.rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file())
    return max((path.stat().st_mtime_ns for path in files), default=0)


@live_reload.get("/client.js")
def client() -> Response:
    """What the page runs."""
    return Response(CLIENT, media_type="text/javascript")


# A second "open" means that the server was away, so the page may be old.
CLIENT = """
const events = new EventSource(new URL('events', import.meta.url))
let wasOpen = false
events.onopen = () => {
  if (wasOpen) location.reload()
  wasOpen = true
}
events.onmessage = () => location.reload()
"""
