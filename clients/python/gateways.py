"""The two gateways under test, and the record of the model behind them."""

import base64
import json
import os
import urllib.request
from dataclasses import dataclass

# One red pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Gateway:
    """A running server whose only provider speaks one dialect."""

    dialect: str
    base_url: str
    token: str

    @property
    def openai_url(self) -> str:
        return self.base_url + "/v1"


def gateway(dialect: str) -> Gateway:
    name = f"ATELIER_CLIENTS_{dialect.upper()}"
    return Gateway(dialect, os.environ[name], os.environ[name + "_TOKEN"])


DIALECTS = ["chat", "anthropic"]


def record() -> dict:
    """What the model was asked, and whose answers nobody took to the end."""
    with urllib.request.urlopen(os.environ["ATELIER_CLIENTS_MODEL"] + "/scripted") as answer:
        return json.load(answer)


def asked_with(prompt: str) -> list[dict]:
    """The bodies of the requests whose last message has this text."""
    return [request["body"] for request in record()["requests"] if prompt in request["prompt"]]
