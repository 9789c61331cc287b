"""The official OpenAI client's and LangChain's embeddings, unchanged, over the model in the process."""

import openai
import pytest
from langchain_openai import OpenAIEmbeddings

MODEL = "all-MiniLM-L6-v2"
TEXTS = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose in May."]


@pytest.fixture
def client(over) -> openai.OpenAI:
    return openai.OpenAI(base_url=over.openai_url, api_key=over.token, max_retries=0)


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_what_means_the_same_lies_close_together(client):
    answer = client.embeddings.create(model=MODEL, input=TEXTS)
    cat, kitten, rates = (item.embedding for item in answer.data)
    assert [item.index for item in answer.data] == [0, 1, 2] and answer.model == MODEL
    assert len(cat) == 384 and abs(cosine(cat, cat) - 1) < 1e-4
    assert cosine(cat, kitten) > 0.5 > 0.2 > cosine(cat, rates)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_numbers_and_bytes_are_the_same_vectors(client):
    # The client asks for base64 by itself and decodes it; numbers must be asked for.
    as_bytes = client.embeddings.create(model=MODEL, input="Olá, ação 🦀").data[0].embedding
    numbers = client.embeddings.create(model=MODEL, input="Olá, ação 🦀", encoding_format="float").data[0]
    assert numbers.embedding == pytest.approx(as_bytes, abs=1e-7)


def test_a_thousand_texts_come_back_in_their_order(client):
    texts = [f"{number} apples" for number in range(1000)]
    all_at_once = client.embeddings.create(model=MODEL, input=texts).data
    assert [item.index for item in all_at_once] == list(range(1000))
    alone = client.embeddings.create(model=MODEL, input=texts[617]).data[0].embedding
    assert all_at_once[617].embedding == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"model": "text-embedding-3-small"}, openai.NotFoundError),
        ({"input": []}, openai.BadRequestError),
        ({"input": ["", "x"]}, openai.BadRequestError),
        ({"input": [[1, 2, 3]]}, openai.BadRequestError),
        ({"dimensions": 100}, openai.BadRequestError),
    ],
)
def test_what_cannot_be_done_is_refused(client, wrong, error):
    with pytest.raises(error):
        client.embeddings.create(**{"model": MODEL, "input": "x"} | wrong)


def test_a_wrong_key_is_refused(over):
    client = openai.OpenAI(base_url=over.openai_url, api_key="atl_wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        client.embeddings.create(model=MODEL, input="x")


def test_langchain(over):
    embeddings = OpenAIEmbeddings(
        base_url=over.openai_url, api_key=over.token, model=MODEL, check_embedding_ctx_length=False
    )
    documents = embeddings.embed_documents(TEXTS)
    query = embeddings.embed_query("sleeping pets")
    nearest = max(range(3), key=lambda place: cosine(query, documents[place]))
    assert nearest in (0, 1)
