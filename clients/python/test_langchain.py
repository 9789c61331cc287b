"""LangChain's standard suite for chat models, through the gateway over a provider of each dialect.

What a property turns off is said beside it. The suite's unit tests are left out: they never
connect to anything. The others take a picture and a document from the web; here the same call gives
them from this folder, so that the tests need no network.
"""

import httpx
import pytest
from gateways import PIXEL, gateway
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def the_web_is_here(monkeypatch):
    def get(url, **_):
        content = DOCUMENT if str(url).endswith(".pdf") else PIXEL
        return httpx.Response(200, content=content, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


class OpenAi:
    """How ChatOpenAI is set up."""

    dialect: str
    chat_model_class = ChatOpenAI

    @property
    def chat_model_params(self):
        over = gateway(self.dialect)
        return {
            "base_url": over.openai_url,
            "api_key": over.token,
            "model": "standard",
            "max_retries": 0,
            # At another address than OpenAI's own it asks for the usage of a stream only when told to.
            "stream_usage": True,
        }

    supports_image_inputs = True
    supports_image_urls = True
    supports_json_mode = True
    model_override_value = "standard-2"

    # OpenAI's chat completions take no picture and no document as what a tool gave.
    supports_image_tool_message = False
    supports_pdf_tool_message = False
    # The gateway translates texts, pictures and tools; a sound goes through only as it came.
    supports_audio_inputs = False

    @property
    def supports_pdf_inputs(self):
        # A document goes through only to a provider that speaks the client's own dialect.
        return self.dialect == "chat"


class Anthropic:
    """How ChatAnthropic is set up."""

    dialect: str
    chat_model_class = ChatAnthropic

    @property
    def chat_model_params(self):
        over = gateway(self.dialect)
        return {"base_url": over.base_url, "api_key": over.token, "model": "standard", "max_retries": 0}

    supports_image_inputs = True
    supports_image_urls = True
    supports_image_tool_message = True
    supports_anthropic_inputs = True
    model_override_value = "standard-2"

    # Anthropic's interface has no JSON mode and takes no sound.
    supports_json_mode = False
    supports_audio_inputs = False

    @property
    def supports_pdf_inputs(self):
        # A document goes through only to a provider that speaks the client's own dialect.
        return self.dialect == "anthropic"

    @property
    def supports_pdf_tool_message(self):
        return self.dialect == "anthropic"


class TestOpenAiOverChat(OpenAi, ChatModelIntegrationTests):
    dialect = "chat"


class TestOpenAiOverAnthropic(OpenAi, ChatModelIntegrationTests):
    dialect = "anthropic"


class TestAnthropicOverAnthropic(Anthropic, ChatModelIntegrationTests):
    dialect = "anthropic"


class TestAnthropicOverChat(Anthropic, ChatModelIntegrationTests):
    dialect = "chat"
