"""The official OpenAI SDK for Python, unmodified, against a running server:
``check.py <base-url> <token> <model>``. The model repeats what it hears, and fails when it hears
"fail".
"""

import json
import sys
import urllib.request

import openai
from openai import OpenAI

base_url, token, model = sys.argv[1:]
client = OpenAI(base_url=f"{base_url}/v1", api_key=token)


def say(content):
    return [{"role": "user", "content": content}]


def history(conversation):
    """The roles and contents that the server keeps."""
    request = urllib.request.Request(
        f"{base_url}/api/chat/conversations/{conversation}/messages",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as response:
        messages = json.load(response)["messages"]
    return [(message["role"], message["content"]) for message in messages]


def refused(kind, call):
    """The error of this class that a call must end with."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


whole = client.chat.completions.create(model=model, messages=say("hello"))
assert whole.choices[0].message.content == "You said: hello"
assert whole.usage.total_tokens == 18

text, usage = "", None
for chunk in client.chat.completions.create(
    model=model,
    messages=say("stream"),
    stream=True,
    stream_options={"include_usage": True},
):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert text == "You said: stream"
assert usage.total_tokens == 18

with client.chat.completions.stream(model=model, messages=say("helper")) as stream:
    for _ in stream:
        pass
    final = stream.get_final_completion()
assert final.choices[0].message.content == "You said: helper"
assert final.choices[0].message.role == "assistant"
assert final.choices[0].finish_reason == "stop"

assert [found.id for found in client.models.list()] == [model]

# A list of messages becomes a conversation, which the next call goes on with.
raw = client.chat.completions.with_raw_response.create(
    model=model,
    messages=[
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ],
)
assert raw.parse().choices[0].message.content == "You said: three"
conversation = raw.headers["x-conversation-id"]
headers = {"X-Conversation-Id": conversation}
client.chat.completions.create(model=model, messages=say("four"), extra_headers=headers)
kept = [
    ("user", "one"),
    ("assistant", "two"),
    ("user", "three"),
    ("assistant", "You said: three"),
    ("user", "four"),
    ("assistant", "You said: four"),
]
assert history(conversation) == kept

# The SDK repeats what fails; the message is kept once.
error = refused(
    openai.InternalServerError,
    lambda: client.chat.completions.create(
        model=model, messages=say("fail"), extra_headers=headers
    ),
)
assert error.code == "model_failed", error
assert history(conversation) == [*kept, ("user", "fail")]
error = refused(
    openai.APIError,
    lambda: list(client.chat.completions.create(model=model, messages=say("fail"), stream=True)),
)
assert "usable answer" in error.message, error

stranger = OpenAI(base_url=f"{base_url}/v1", api_key="nonsense")
error = refused(openai.AuthenticationError, stranger.models.list)
assert "Invalid token" in error.message, error
error = refused(
    openai.BadRequestError,
    lambda: client.chat.completions.create(model=model, messages=say("x"), n=2),
)
assert error.param == "n", error
error = refused(
    openai.NotFoundError,
    lambda: client.chat.completions.create(
        model=model,
        messages=say("x"),
        extra_headers={"X-Conversation-Id": "01890a5d-ac96-774b-bcce-b302099a8057"},
    ),
)
assert "Conversation not found" in error.message, error
assert len(error.request_id) == 36, error
print("ok")
