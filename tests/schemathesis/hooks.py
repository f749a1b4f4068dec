"""What the contract means where JSON Schema has no words for it."""

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


def is_beyond_schemas(problem):
    """Whether a problem is about values that no schema can tell from valid ones."""
    paths = {error["path"] for error in problem.get("errors", [])}
    return problem["code"] in ABOUT_STATE or bool(paths) and paths <= GIVEN_OUT
