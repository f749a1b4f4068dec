//! Retries of writes while the database is unavailable.

use std::time::Duration;

use chatkit_domain::RepositoryError;

/// The maximum time for the retries of a write.
const PATIENCE: Duration = Duration::from_secs(60);

/// Repeats a write while the database is unavailable, for up to 60 seconds.
pub(crate) async fn retry_while_unavailable<T, F>(
    mut write: impl FnMut() -> F,
) -> Result<T, RepositoryError>
where
    F: Future<Output = Result<T, RepositoryError>>,
{
    let start = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match write().await {
            Err(RepositoryError::Unavailable(_)) if start.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            result => return result,
        }
    }
}
