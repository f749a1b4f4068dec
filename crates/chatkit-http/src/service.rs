//! The API as a `tower` service.

use std::{
    convert::Infallible,
    fmt, io,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{TryStreamExt, future::BoxFuture};
use http_body_util::{BodyExt, combinators::BoxBody};
use poem::{
    Body, Endpoint, EndpointExt, Request, RequestParts, Response,
    endpoint::BoxEndpoint,
    http::{self, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tower_service::Service;

/// A router of this crate as a `tower` service, for example for axum's `nest_service`. It never
/// fails. Cheap to clone.
///
/// If it is mounted under a path, name the path in
/// [`ApiOptions::with_base_path`](crate::ApiOptions::with_base_path).
#[derive(Clone)]
pub struct ApiService(Arc<BoxEndpoint<'static, Response>>);

impl ApiService {
    /// The service of a [`router`](crate::router).
    #[must_use]
    pub fn new(router: impl Endpoint<Output = Response> + 'static) -> Self {
        Self(Arc::new(router.boxed()))
    }
}

impl<B> Service<http::Request<B>> for ApiService
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    type Response = http::Response<BoxBody<Bytes, io::Error>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let endpoint = self.0.clone();
        let (parts, body) = request.into_parts();
        // The address of the client is not known here, and the API does not need it.
        let (local, remote) = (LocalAddr::default(), RemoteAddr::default());
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        let body = body.into_data_stream().map_err(io::Error::other);
        let request = Request::from_parts(parts, Body::from_bytes_stream(body));
        Box::pin(async move { Ok(endpoint.get_response(request).await.into()) })
    }
}

impl fmt::Debug for ApiService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiService(…)")
    }
}
