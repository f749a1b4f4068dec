//! The databases that the server is measured on.

use std::fmt::{self, Display, Formatter};

use anyhow::Result;
use chatkit_tests::{Backend, TestDatabase, postgres::Cluster};

use crate::process;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A database with the schema in it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) inner: TestDatabase,
}

impl Database {
    pub(crate) async fn fresh(kind: Kind) -> Self {
        let backend = match kind {
            Kind::Sqlite => Backend::Sqlite,
            Kind::Postgres => Backend::Postgres,
        };
        let inner = TestDatabase::fresh(backend).await;
        Self { kind, inner }
    }

    /// Lets the database know what it holds, as one that has run for a while does.
    pub(crate) fn settle(&self) {
        if self.kind == Kind::Postgres {
            Cluster::shared().sql(self.inner.name(), "VACUUM ANALYZE");
        }
    }

    /// The CPU time that its own processes have taken so far, in microseconds; none where it is a
    /// part of the server.
    pub(crate) fn cpu(&self) -> Result<Option<u64>> {
        match self.kind {
            Kind::Sqlite => Ok(None),
            Kind::Postgres => process::cpu_of_family(Cluster::shared().process_id()).map(Some),
        }
    }
}

impl Display for Kind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite, synchronous=FULL on this machine's temporary folder",
            Self::Postgres => "PostgreSQL, a cluster of its own with fsync=off",
        })
    }
}
