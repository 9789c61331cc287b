"""The official Anthropic client, unchanged, over a provider of each dialect."""

import base64
import json
import time

import anthropic
import pytest
from gateways import PIXEL, asked_with, record
from pydantic import BaseModel

WEATHER = {
    "name": "get_weather",
    "description": "The weather somewhere",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(over):
    return anthropic.Anthropic(base_url=over.base_url, api_key=over.token, max_retries=0)


@pytest.fixture
def async_client(over):
    return anthropic.AsyncAnthropic(base_url=over.base_url, api_key=over.token, max_retries=0)


def ask(content, **more):
    return {"model": "standard", "max_tokens": 100, "messages": [{"role": "user", "content": content}], **more}


def test_a_whole_answer(client):
    answer = client.messages.create(**ask("Olá, ação 🦀"))
    assert (answer.content[0].text, answer.stop_reason) == ("You said: Olá, ação 🦀", "end_turn")
    assert answer.type == "message" and answer.role == "assistant" and answer.model == "standard"
    assert answer._request_id


def test_a_streamed_answer(client):
    with client.messages.stream(**ask("Olá, ação 🦀")) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert text == answer.content[0].text == "You said: Olá, ação 🦀"
    assert answer.stop_reason == "end_turn"
    kinds = [event.type for event in client.messages.create(**ask("hello"), stream=True)]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1


async def test_a_whole_and_a_streamed_answer_to_an_async_client(async_client):
    answer = await async_client.messages.create(**ask("hello"))
    assert answer.content[0].text == "You said: hello"
    async with async_client.messages.stream(**ask("hello")) as stream:
        text = "".join([piece async for piece in stream.text_stream])
    assert text == "You said: hello"


def test_usage_whole_and_streamed(client):
    usage = client.messages.create(**ask("count the tokens")).usage
    assert (usage.input_tokens, usage.output_tokens) == (11, 22)
    with client.messages.stream(**ask("count the tokens")) as stream:
        usage = stream.get_final_message().usage
    assert usage.output_tokens == 22 and usage.input_tokens == 11


def test_tokens_are_counted_before_the_prompt_is_sent(client):
    short = client.messages.count_tokens(model="standard", messages=ask("hello")["messages"]).input_tokens
    long = client.messages.count_tokens(model="standard", messages=ask("hello " * 50)["messages"]).input_tokens
    assert 0 < short < long


def test_system_prompts_reach_the_model(client, over, mark):
    client.messages.create(**ask(mark, system="Be brief."))
    [asked] = asked_with(mark)
    if over.dialect == "anthropic":
        assert asked["system"] == "Be brief."
    else:
        assert asked["messages"][0] == {"role": "system", "content": "Be brief."}


def test_stop_sequences_and_limits(client, over):
    answer = client.messages.create(**ask("one two three four", stop_sequences=["three"]))
    assert answer.content[0].text == "You said: one two "
    # OpenAI's dialect does not say at which sequence it stopped.
    expected = ("stop_sequence", "three") if over.dialect == "anthropic" else ("end_turn", None)
    assert (answer.stop_reason, answer.stop_sequence) == expected
    answer = client.messages.create(**{**ask("one two three four"), "max_tokens": 3})
    assert (answer.content[0].text, answer.stop_reason) == ("You said: one ", "max_tokens")


def test_a_tool_is_called_and_its_result_goes_back(client):
    asked = ask("The weather in 'Lima' for 3 days?", tools=[WEATHER])
    answer = client.messages.create(**asked)
    assert answer.stop_reason == "tool_use"
    [call] = [block for block in answer.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Lima", "days": 3})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
    asked["messages"] += [
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    assert client.messages.create(**asked).content[0].text == "The tool gave you this: sunny"


def test_tools_are_called_side_by_side_whole_and_streamed(client):
    asked = ask("The weather in 'Lima' and 'Ōsaka' for 2 days?", tools=[WEATHER])
    with client.messages.stream(**asked) as stream:
        kinds = {event.type for event in stream}
        streamed = stream.get_final_message()
    assert "input_json" in kinds
    for answer in (client.messages.create(**asked), streamed):
        calls = [block for block in answer.content if block.type == "tool_use"]
        assert [call.input["city"] for call in calls] == ["Lima", "Ōsaka"]
        assert len({call.id for call in calls}) == 2 and answer.stop_reason == "tool_use"
    one = client.messages.create(**asked, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert sum(block.type == "tool_use" for block in one.content) == 1


def test_structured_output_by_a_forced_tool(client):
    tool = {"name": "answer", "input_schema": City.model_json_schema()}
    asked = ask("The city 'Lima' has 10 million people", tools=[tool])
    for choice in ({"type": "tool", "name": "answer"}, {"type": "any"}):
        answer = client.messages.create(**asked, tool_choice=choice)
        assert City(**answer.content[-1].input) == City(name="Lima", people=10)
    answer = client.messages.create(**asked, tool_choice={"type": "none"})
    assert [block.type for block in answer.content] == ["text"]


def test_structured_output_by_a_format(client):
    asked = ask("The city 'Lima' has 10 million people")
    schema = {**City.model_json_schema(), "additionalProperties": False}
    answer = client.messages.create(**asked, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert City(**json.loads(answer.content[0].text)) == City(name="Lima", people=10)
    assert client.messages.parse(**asked, output_format=City).parsed_output == City(name="Lima", people=10)


def test_images_by_address_and_inline(client, over, mark):
    data = base64.b64encode(PIXEL).decode()
    content = [
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "text", "text": mark},
    ]
    assert client.messages.create(**ask(content)).content[0].text.startswith("I see pictures: 2.")
    [asked] = asked_with(mark)
    parts = asked["messages"][0]["content"]
    if over.dialect == "anthropic":
        assert parts == content
    else:
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        assert urls == ["https://example.com/a.png", f"data:image/png;base64,{data}"]


@pytest.mark.parametrize(
    ("prompt", "error", "status", "kind"),
    [
        ("fail with 400", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("fail for its length", anthropic.BadRequestError, 400, "invalid_request_error"),
        ("fail with 404", anthropic.NotFoundError, 404, "not_found_error"),
        ("fail with 429", anthropic.RateLimitError, 429, "rate_limit_error"),
        # The provider's key is wrong, not the client's.
        ("fail with 401", anthropic.InternalServerError, 502, "api_error"),
        ("fail with 500", anthropic.InternalServerError, 502, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures_become_the_clients_exceptions(client, prompt, error, status, kind, stream):
    with pytest.raises(error) as raised:
        client.messages.create(**ask(prompt), stream=stream)
    assert (raised.value.status_code, raised.value.body["error"]["type"]) == (status, kind)
    assert raised.value.request_id.startswith("req_")
    assert raised.value.request_id == raised.value.body["request_id"]
    assert "canary" not in str(raised.value)
    if status == 429:
        assert raised.value.response.headers["retry-after"] == "17"


def test_requests_that_cannot_be_read_are_refused(client):
    for more in ({"messages": []}, {"tools": [{"name": "x", "input_schema": "no"}]}):
        with pytest.raises(anthropic.BadRequestError) as raised:
            client.messages.create(**{**ask("x"), **more})
        assert raised.value.request_id


def test_a_wrong_token_is_an_authentication_error(client):
    stranger = client.with_options(api_key="atl_wrong")
    for call in (lambda: stranger.messages.create(**ask("x")), lambda: stranger.models.list()):
        with pytest.raises(anthropic.AuthenticationError) as raised:
            call()
        assert raised.value.body["error"]["type"] == "authentication_error"


def test_what_is_too_large_is_refused(client):
    with pytest.raises(anthropic.RequestTooLargeError) as raised:
        client.messages.create(**ask("x" * (33 << 20)))
    assert raised.value.status_code == 413


def test_a_stream_that_breaks_off_raises_and_does_not_just_end(client):
    text = ""
    with pytest.raises(anthropic.APIStatusError), client.messages.stream(**ask("break off")) as stream:
        for piece in stream.text_stream:
            text += piece
    assert text == "one two "


def test_cancelling_in_mid_stream_hangs_up_on_the_model(client, mark):
    prompt = f"speak slowly {mark}"
    with client.messages.stream(**ask(prompt)) as stream:
        next(stream.text_stream)
    assert_abandoned(prompt)


async def test_a_cancelled_task_hangs_up_on_the_model(async_client, mark):
    prompt = f"speak slowly {mark}"
    async with async_client.messages.stream(**ask(prompt)) as stream:
        async for _ in stream.text_stream:
            break
    assert_abandoned(prompt)


def assert_abandoned(prompt):
    deadline = time.monotonic() + 3
    while prompt not in record()["abandoned"]:
        assert time.monotonic() < deadline, "the model was left talking"
        time.sleep(0.02)


def test_models_are_listed_and_shown(client):
    assert [model.id for model in client.models.list()] == ["model/standard", "offline/rules"]
    assert client.models.retrieve("model/standard").id == "model/standard"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nothing")
