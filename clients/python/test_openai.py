"""The official OpenAI client, unchanged, over a provider of each dialect."""

import base64
import json
import time

import openai
import pytest
from gateways import PIXEL, asked_with, record
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather somewhere",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(over):
    return openai.OpenAI(base_url=over.openai_url, api_key=over.token, max_retries=0)


@pytest.fixture
def async_client(over):
    return openai.AsyncOpenAI(base_url=over.openai_url, api_key=over.token, max_retries=0)


def user(content):
    return [{"role": "user", "content": content}]


def test_a_whole_answer(client):
    answer = client.chat.completions.create(model="standard", messages=user("Olá, ação 🦀"))
    assert answer.choices[0].message.content == "You said: Olá, ação 🦀"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion" and answer.model == "standard" and answer.created >= 0


def test_a_streamed_answer(client):
    chunks = list(client.chat.completions.create(model="standard", messages=user("Olá, ação 🦀"), stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "You said: Olá, ação 🦀"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


async def test_a_whole_and_a_streamed_answer_to_an_async_client(async_client):
    answer = await async_client.chat.completions.create(model="standard", messages=user("hello"))
    assert answer.choices[0].message.content == "You said: hello"
    stream = await async_client.chat.completions.create(model="standard", messages=user("hello"), stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "You said: hello"


def test_the_clients_own_stream_helper(client):
    with client.chat.completions.stream(model="standard", messages=user("hello you")) as stream:
        kinds = {event.type for event in stream}
    assert "content.delta" in kinds and "content.done" in kinds
    assert stream.get_final_completion().choices[0].message.content == "You said: hello you"


def test_usage_whole_and_streamed(client):
    asked = {"model": "standard", "messages": user("count the tokens")}
    usage = client.chat.completions.create(**asked).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (11, 22, 33)
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 33


def test_system_prompts_reach_the_model(client, over, mark):
    messages = [{"role": "system", "content": "Be brief."}, *user(mark)]
    client.chat.completions.create(model="standard", messages=messages)
    [asked] = asked_with(mark)
    if over.dialect == "chat":
        assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    else:
        assert asked["system"] == "Be brief." and len(asked["messages"]) == 1


def test_stop_sequences_and_limits(client):
    asked = {"model": "standard", "messages": user("one two three four")}
    answer = client.chat.completions.create(**asked, stop=["three"])
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("You said: one two ", "stop")
    for name in ("max_tokens", "max_completion_tokens"):
        answer = client.chat.completions.create(**asked, **{name: 3})
        assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("You said: one ", "length")


def test_a_tool_is_called_and_its_result_goes_back(client, over, mark):
    messages = user(f"The weather in 'Lima' for 3 days? {mark}")
    answer = client.chat.completions.create(model="standard", messages=messages, tools=[WEATHER])
    assert answer.choices[0].finish_reason == "tool_calls"
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Lima", "days": 3}
    messages += [
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    last = client.chat.completions.create(model="standard", messages=messages, tools=[WEATHER])
    assert last.choices[0].message.content == "The tool gave you this: sunny"


def test_tools_are_called_side_by_side(client):
    messages = user("The weather in 'Lima' and 'Ōsaka' for 2 days?")
    answer = client.chat.completions.create(model="standard", messages=messages, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Lima", "Ōsaka"]
    assert len({call.id for call in calls}) == 2
    one = client.chat.completions.create(
        model="standard", messages=messages, tools=[WEATHER], parallel_tool_calls=False
    )
    assert len(one.choices[0].message.tool_calls) == 1


def test_tool_calls_are_streamed(client):
    messages = user("The weather in 'Lima' and 'Ōsaka' for 2 days?")
    with client.chat.completions.stream(model="standard", messages=messages, tools=[WEATHER]) as stream:
        for _ in stream:
            pass
    choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    cities = [json.loads(call.function.arguments)["city"] for call in choice.message.tool_calls]
    assert cities == ["Lima", "Ōsaka"]


def test_tool_choice(client):
    asked = {"model": "standard", "messages": user("hello"), "tools": [WEATHER]}
    assert client.chat.completions.create(**asked).choices[0].message.tool_calls is None
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        answer = client.chat.completions.create(**asked, tool_choice=choice)
        assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    asked["messages"] = user("the weather?")
    assert client.chat.completions.create(**asked, tool_choice="none").choices[0].message.tool_calls is None


def test_structured_output(client):
    messages = user("The city 'Lima' has 10 million people")
    answer = client.chat.completions.parse(model="standard", messages=messages, response_format=City)
    assert answer.choices[0].message.parsed == City(name="Lima", people=10)
    with client.chat.completions.stream(model="standard", messages=messages, response_format=City) as stream:
        for _ in stream:
            pass
    assert stream.get_final_completion().choices[0].message.parsed == City(name="Lima", people=10)


def test_images_by_address_and_inline(client, over, mark):
    data = base64.b64encode(PIXEL).decode()
    content = [
        {"type": "text", "text": mark},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    ]
    answer = client.chat.completions.create(model="standard", messages=user(content))
    assert answer.choices[0].message.content.startswith("I see pictures: 2.")
    [asked] = asked_with(mark)
    parts = asked["messages"][0]["content"]
    if over.dialect == "chat":
        assert parts == content
    else:
        sources = [part["source"] for part in parts if part["type"] == "image"]
        assert sources[0] == {"type": "url", "url": "https://example.com/a.png"}
        assert sources[1] == {"type": "base64", "media_type": "image/png", "data": data}


@pytest.mark.parametrize(
    ("prompt", "error", "status", "code"),
    [
        ("fail with 400", openai.BadRequestError, 400, "no_model_answered"),
        ("fail for its length", openai.BadRequestError, 400, "context_length_exceeded"),
        ("fail with 404", openai.NotFoundError, 404, "model_not_found"),
        ("fail with 429", openai.RateLimitError, 429, "no_model_answered"),
        # The provider's key is wrong, not the client's.
        ("fail with 401", openai.InternalServerError, 502, "no_model_answered"),
        ("fail with 500", openai.InternalServerError, 502, "no_model_answered"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures_become_the_clients_exceptions(client, prompt, error, status, code, stream):
    with pytest.raises(error) as raised:
        client.chat.completions.create(model="standard", messages=user(prompt), stream=stream)
    assert (raised.value.status_code, raised.value.code) == (status, code)
    assert raised.value.request_id == raised.value.body["request_id"]
    assert raised.value.request_id.startswith("req_")
    assert "canary" not in str(raised.value)
    if status == 429:
        assert raised.value.response.headers["retry-after"] == "17"


def test_requests_that_cannot_be_read_are_refused(client):
    for body in ({"messages": []}, {"messages": user("x"), "tools": [{"type": "function", "function": {}}]}):
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model="standard", **body)
        assert raised.value.code == "invalid_request" and raised.value.request_id


def test_a_wrong_token_is_an_authentication_error(client):
    with pytest.raises(openai.AuthenticationError) as raised:
        client.with_options(api_key="atl_wrong").chat.completions.create(model="standard", messages=user("x"))
    assert raised.value.request_id
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="atl_wrong").models.list()


def test_what_is_too_large_is_refused(client):
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model="standard", messages=user("x" * (33 << 20)))
    assert (raised.value.status_code, raised.value.code) == (413, "too_large")


def test_a_stream_that_breaks_off_raises_and_does_not_just_end(client):
    text = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(model="standard", messages=user("break off"), stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text == "one two "
    assert raised.value.body["code"] == "no_model_answered"


def test_cancelling_in_mid_stream_hangs_up_on_the_model(client, mark):
    prompt = f"speak slowly {mark}"
    stream = client.chat.completions.create(model="standard", messages=user(prompt), stream=True)
    next(chunk for chunk in stream if chunk.choices[0].delta.content)
    stream.close()
    assert_abandoned(prompt)


async def test_a_cancelled_task_hangs_up_on_the_model(async_client, mark):
    prompt = f"speak slowly {mark}"
    async with await async_client.chat.completions.create(
        model="standard", messages=user(prompt), stream=True
    ) as stream:
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    assert_abandoned(prompt)


def assert_abandoned(prompt):
    deadline = time.monotonic() + 3
    while prompt not in record()["abandoned"]:
        assert time.monotonic() < deadline, "the model was left talking"
        time.sleep(0.02)


def test_models_are_listed_and_shown(client):
    ids = [model.id for model in client.models.list()]
    assert ids == ["model/standard", "offline/rules", "all-MiniLM-L6-v2"]
    assert client.models.retrieve("model/standard").owned_by == "model"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("nothing")
    assert raised.value.code == "model_not_found"


def test_the_raw_response_has_the_request_id(client):
    raw = client.chat.completions.with_raw_response.create(model="standard", messages=user("x"))
    assert raw.request_id and raw.headers["x-atelier-provider"] == "model"
    assert raw.parse()._request_id == raw.request_id
