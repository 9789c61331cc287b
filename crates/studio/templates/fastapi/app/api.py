"""The JSON API, below /api. FastAPI shows it at /docs."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

api = APIRouter()

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class NewMessage(BaseModel):
    """What is sent."""

    name: Filled
    text: Filled


class Message(NewMessage):
    """What is kept."""

    id: int


# Kept in memory: they are gone when the server starts again.
messages: list[Message] = []


@api.get("/health")
def health():
    return {"status": "ok"}


@api.get("/messages")
def list_messages():
    return {"items": messages}


@api.post("/messages", status_code=201)
def create_message(new: NewMessage) -> Message:
    message = Message(id=len(messages) + 1, **new.model_dump())
    messages.append(message)
    return message


# atelier:api
