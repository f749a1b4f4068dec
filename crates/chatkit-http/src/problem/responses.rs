//! The errors that operations return, and the statuses that each of them has in the contract.
//!
//! An operation's error type decides its statuses. `contract::problems` adds those that follow
//! from its request: from ids in the path, parameters, and a body.

use std::{fmt, marker::PhantomData};

use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};

use super::{
    error::ApiError,
    wire::{CONTENT_TYPE, Problem},
};

/// An error of an operation that can also fail in these ways.
pub(crate) struct Failure<K>(ApiError, PhantomData<K>);

/// A kind of operation.
pub(crate) trait OperationKind: Send + Sync + 'static {
    /// The statuses that all operations of this kind can have.
    const STATUSES: &'static [u16];
}

/// An operation that starts a run and does not wait for it.
pub(crate) struct StartsRun;

impl OperationKind for StartsRun {
    const STATUSES: &'static [u16] = &[401, 403, 404, 406, 409, 422, 429, 500, 503];
}

/// An operation that starts a run and waits for its answer.
pub(crate) struct WaitsForAnswer;

impl OperationKind for WaitsForAnswer {
    const STATUSES: &'static [u16] = &[401, 403, 404, 406, 409, 422, 429, 500, 502, 503, 504];
}

/// The operation that signs a user in.
pub(crate) struct SignsIn;

impl OperationKind for SignsIn {
    const STATUSES: &'static [u16] = &[401, 406, 500, 501, 503];
}

/// The error of an operation that starts a run and does not wait for it.
pub(crate) type StartError = Failure<StartsRun>;

/// The error of an operation that starts a run and waits for its answer.
pub(crate) type TurnError = Failure<WaitsForAnswer>;

/// The error of the operation that signs a user in.
pub(crate) type SignInError = Failure<SignsIn>;

impl<K, E: Into<ApiError>> From<E> for Failure<K> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<K> From<Failure<K>> for poem::Error {
    fn from(failure: Failure<K>) -> Self {
        failure.0.into()
    }
}

impl<K> fmt::Debug for Failure<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<K: OperationKind> ApiResponse for Failure<K> {
    fn meta() -> MetaResponses {
        responses(K::STATUSES)
    }

    fn register(registry: &mut Registry) {
        <Problem as Type>::register(registry);
    }
}

impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        responses(&[401, 403, 406, 500, 503])
    }

    fn register(registry: &mut Registry) {
        <Problem as Type>::register(registry);
    }
}

/// One response for each status. `contract::problems` describes them.
fn responses(statuses: &[u16]) -> MetaResponses {
    let response = |status: &u16| MetaResponse {
        description: "A problem",
        status: Some(*status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: CONTENT_TYPE,
            schema: <Problem as Type>::schema_ref(),
        }],
        headers: vec![],
    };
    MetaResponses {
        responses: statuses.iter().map(response).collect(),
    }
}
