"""The app: pages, the JSON API, files of static/."""

import os
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from app.api import api
from app.content import read_content
from app.live_reload import live_reload
from app.pages import PAGES, Page

FOLDER = Path(__file__).parent
LIVE_RELOAD = bool(os.environ.get("LIVE_RELOAD"))

templates = Jinja2Templates(directory=FOLDER / "templates")
# A view inside a view is left to its own lines: nothing is added around it.
templates.env.trim_blocks = templates.env.lstrip_blocks = True

app = FastAPI(title="Daybreak")
app.include_router(api, prefix="/api")
app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
if LIVE_RELOAD:
    app.include_router(live_reload, prefix="/live-reload")


def show(request: Request, page: Page, status: int = 200):
    """Renders a view inside what every view knows: the texts, the pages and which of them this is."""
    content = read_content()
    known = {
        "content": content,
        "pages": PAGES,
        "page": page,
        "label": label_of(page, content),
        "label_of": lambda page: label_of(page, content),
        "root": root_of(page.path),
        "live_reload": LIVE_RELOAD,
    }
    return templates.TemplateResponse(request, f"{page.view}.html", known, status_code=status)


def label_of(page: Page, content: dict) -> str:
    """What the navigation calls a page."""
    return page.label or content[page.text]["label"]


def root_of(path: str) -> str:
    """The start of the site as seen from a page. Links are relative, so that it works in any folder."""
    return "../" * (path.count("/") - 1) or "./"


def add_page(page: Page) -> None:
    """Serves one page of the list."""

    @app.get(page.path, include_in_schema=False)
    def answer(request: Request):
        return show(request, page)


for page in PAGES:
    add_page(page)


@app.exception_handler(404)
def not_found(request: Request, error: HTTPException):
    """An unknown page says so in HTML, an unknown address of the API in JSON."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": error.detail}, status_code=404)
    title = read_content()["notFound"]["title"]
    return show(request, Page(path=request.url.path, view="not-found", label=title), status=404)
