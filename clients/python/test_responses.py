"""OpenAI's client at `/v1/responses`."""

import openai
import pytest
from pydantic import BaseModel

MODEL = "standard"
TEXT = "Olá, this is a scripted answer."
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def client(over) -> openai.OpenAI:
    return openai.OpenAI(base_url=over.openai_url, api_key=over.token, max_retries=0)


def test_a_whole_answer(client):
    answer = client.responses.create(model=MODEL, input="Say the scripted line", metadata={"a": "b"})
    assert (answer.status, answer.output_text) == ("completed", TEXT)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 5)


def test_a_stream_has_its_events_in_order(client):
    events = list(client.responses.create(model=MODEL, input="Say the scripted line", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == TEXT == events[-1].response.output_text


def test_a_tool_is_called_and_its_answer_sent_back(client):
    question = {"role": "user", "content": "Use the scripted tool"}
    with client.responses.stream(model=MODEL, input=[question], tools=[WEATHER]) as stream:
        answer = stream.get_final_response()
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [(call.call_id, call.name) for call in calls] == [("c1", "weather")]
    assert "Ōsaka" in calls[0].arguments
    call = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": calls[0].arguments}
    result = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}
    after = client.responses.create(model=MODEL, input=[question, call, result], tools=[WEATHER])
    assert "sunny" in after.output_text


def test_an_answer_is_parsed(client):
    class Answer(BaseModel):
        answer: int

    answer = client.responses.parse(model=MODEL, input="The answer is 42", text_format=Answer)
    assert answer.output_parsed == Answer(answer=42)


def test_what_would_have_to_be_kept_is_refused(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.responses.retrieve("resp_1")
    assert refused.value.code == "response_not_found"
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.create(model=MODEL, input="x", background=True)
