"""What the contract means where JSON Schema has no words for it."""

import json

import jsonschema_rs
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

# Parameters whose values are whatever the server gave out before: any string has the right type,
# and few are one of those. `before` and `since` exclude each other, too.
GIVEN_OUT = {"cursor", "before", "since"}

# What depends on the thing that an id names, or on what was said before.
ABOUT_STATE = {"wrong_message", "idempotency_key_reused"}


@schemathesis.check
def valid_data_acceptance(ctx, response, case):
    """`positive_data_acceptance`, but for values that no schema can tell from valid ones."""
    if response.status_code == 422 and is_beyond_schemas(response.json()):
        return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def event_data_conformance(ctx, response, case):
    """Of a stream of events the contract describes their data, as generators of clients read it."""
    media_type = (response.headers.get("content-type") or [""])[0]
    if media_type != "text/event-stream":
        return None
    document = case.operation.schema.raw_schema
    schema = {"$ref": "#/components/schemas/RunEvent", "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema)
    # Not `splitlines`, which takes characters for ends of lines that stand in texts, such as U+2028.
    lines = [line for line in response.text.split("\n") if line.startswith("data:")]
    assert lines, "a run has at least two events"
    for line in lines:
        validator.validate(json.loads(line.removeprefix("data:")))
    return None


def is_beyond_schemas(problem):
    """Whether a problem is about values that no schema can tell from valid ones."""
    paths = {error["path"] for error in problem.get("errors", [])}
    return problem["code"] in ABOUT_STATE or bool(paths) and paths <= GIVEN_OUT
