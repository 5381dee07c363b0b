//! The API and pages behind one address: `/v1` is the API's, and whoever shows a token anywhere;
//! all else are pages.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use tower_service::Service as _;

/// Both. Neither has the other's layers: cookies mean nothing to the API, and tokens nothing to
/// pages.
pub fn with_pages(api: Router, pages: Router) -> Router {
    Router::new().fallback(move |request: Request| {
        let path = request.uri().path();
        let is_program = request.headers().contains_key(AUTHORIZATION);
        let is_api = is_program || path == "/v1" || path.starts_with("/v1/");
        let mut wanted = if is_api { api.clone() } else { pages.clone() };
        async move {
            let answer: Result<_, Infallible> = wanted.call(request).await;
            answer
        }
    })
}
