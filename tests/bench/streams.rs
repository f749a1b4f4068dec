//! Answers that come token by token, many at once: what the server adds to what the model itself
//! takes to the same reader.
//!
//! The answers begin one after the other, so that their tokens come at all times; once all are
//! under way, tokens are measured until the first of them ends.

use std::time::Duration;

use anyhow::{Result, ensure};
use chatkit_tests::{
    model::{FakeModel, Reply},
    pace::{Pace, now},
};
use tokio::task::JoinSet;

use crate::{
    Arguments,
    database::Database,
    load::{Sample, Used},
    process,
    reader::{Answer, RunRequests, Source},
    seed::Senders,
    server::Server,
    workload,
};

/// How many answers begin in a second, at most.
const BEGINS_PER_SECOND: f64 = 200.0;

/// How long it takes at least until all have begun.
const SHORTEST_RAMP: Duration = Duration::from_secs(2);

/// How long there is nothing measured behind the last beginning and before the first end.
const MARGIN: Duration = Duration::from_secs(1);

/// How many answers come before anything is measured, so that caches and connections are there.
const WARM_UP: usize = 20;

/// How long the server then rests, so that what they took has been given back.
const REST: Duration = Duration::from_secs(3);

/// The golden ratio's fraction: its multiples leave no two answers in step.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What so many answers took at once.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) count: usize,
    pub(crate) model: Times,
    pub(crate) server: Times,
    /// While tokens were measured.
    pub(crate) used: Used,
    /// From the first request to the last end.
    pub(crate) used_in_all: Used,
    tokens_in_all: usize,
    /// What the server had before, and with all answers under way, in MiB.
    idle: f64,
    resident: f64,
}

/// What a reader waits for, in microseconds, the shortest first.
#[derive(Debug)]
pub(crate) struct Times {
    /// From the request to the first token.
    first: Vec<u64>,
    /// From a token's sending to its arrival.
    tokens: Vec<u64>,
}

/// When answers begin, and how long they take.
#[derive(Clone, Copy, Debug)]
struct Plan {
    ramp: Duration,
    measured: Duration,
    pace: Pace,
}

/// Answers that came at once, and what was probed when all were under way: first and last.
struct Wave<T> {
    answers: Vec<Answer>,
    first: (u64, T),
    last: (u64, T),
}

/// Measures so many answers at once, at a model and a server of their own.
pub(crate) async fn measure(
    count: usize,
    database: &Database,
    senders: &Senders,
    arguments: &Arguments,
) -> Result<Streams> {
    let plan = Plan::of(count, arguments);
    let model = FakeModel::repeating(Reply::Paced(plan.pace)).await;
    let direct = vec![Source::Model(model.address()); count];
    let direct = plan.run(direct, || Ok(())).await?;
    let server = Server::start(&arguments.server, database, &model, arguments).await?;
    let sources = sources(&server, senders)?;
    plan.warm_up(&sources).await?;
    let idle = process::memory(server.process_id())?.resident;
    let sources = sources.into_iter().take(count).collect();
    let probe = || {
        let memory = process::memory(server.process_id())?;
        Ok((Sample::take(&server, database)?, memory.resident))
    };
    let (before, _) = probe()?;
    let through = plan.run(sources, probe).await?;
    let after = Sample::take(&server, database)?;
    let (_, (begin, _)) = &through.first;
    let (_, (end, resident)) = &through.last;
    Ok(Streams {
        count,
        model: direct.times()?,
        server: through.times()?,
        used: end.since(begin),
        used_in_all: after.since(&before),
        tokens_in_all: count * plan.pace.tokens as usize,
        idle,
        resident: *resident,
    })
}

/// Where each sender's answer comes from.
fn sources(server: &Server, senders: &Senders) -> Result<Vec<Source>> {
    let begin = workload::begin(senders).into_iter();
    let requests = begin.zip(workload::follow(senders));
    let sources = requests.map(|(begin, follow)| {
        let follow = String::from_utf8(follow)?;
        let requests = RunRequests { begin, follow };
        Ok(Source::Server(server.address(), requests))
    });
    sources.collect()
}

impl Plan {
    fn of(count: usize, arguments: &Arguments) -> Self {
        let ramp = Duration::from_secs_f64(count as f64 / BEGINS_PER_SECOND).max(SHORTEST_RAMP);
        let measured = Duration::from_secs(arguments.seconds);
        let interval = Duration::from_secs(1) / arguments.tokens_per_second;
        let takes = ramp + measured + 2 * MARGIN;
        let tokens = takes.as_secs_f64() / interval.as_secs_f64();
        Self {
            ramp,
            measured,
            pace: Pace {
                tokens: tokens.ceil() as u32,
                interval,
            },
        }
    }

    /// Lets some answers come, and the server rest.
    async fn warm_up(self, sources: &[Source]) -> Result<()> {
        let some = sources.iter().take(WARM_UP);
        let some: Vec<_> = some
            .map(|source| source.clone().read(self.pace.tokens))
            .collect();
        futures::future::try_join_all(some).await?;
        tokio::time::sleep(REST).await;
        Ok(())
    }

    async fn run<T>(self, sources: Vec<Source>, probe: impl Fn() -> Result<T>) -> Result<Wave<T>> {
        let mut readers = JoinSet::new();
        for (number, source) in sources.into_iter().enumerate() {
            let begins = self.ramp.mul_f64((number as f64 * GOLDEN).fract());
            readers.spawn(async move {
                tokio::time::sleep(begins).await;
                source.read(self.pace.tokens).await
            });
        }
        tokio::time::sleep(self.ramp + MARGIN).await;
        let first = (now(), probe()?);
        tokio::time::sleep(self.measured).await;
        let last = (now(), probe()?);
        let mut answers = Vec::new();
        while let Some(answer) = readers.join_next().await {
            answers.push(answer??);
        }
        Ok(Wave {
            answers,
            first,
            last,
        })
    }
}

impl<T> Wave<T> {
    fn times(&self) -> Result<Times> {
        let answers = self.answers.iter();
        let first = answers.filter_map(|answer| Some(answer.tokens.first()?.came - answer.asked));
        let mut first: Vec<u64> = first.collect();
        let tokens = self.answers.iter().flat_map(|answer| &answer.tokens);
        let measured = tokens.filter(|token| (self.first.0..self.last.0).contains(&token.came));
        let mut tokens: Vec<u64> = measured.map(|token| token.came - token.sent).collect();
        ensure!(
            !first.is_empty() && !tokens.is_empty(),
            "no token came in time"
        );
        first.sort_unstable();
        tokens.sort_unstable();
        Ok(Times { first, tokens })
    }
}

impl Times {
    /// What this share of the answers did not exceed until their first token, in milliseconds.
    pub(crate) fn first(&self, percent: usize) -> f64 {
        percentile(&self.first, percent)
    }

    /// The same of all tokens.
    pub(crate) fn token(&self, percent: usize) -> f64 {
        percentile(&self.tokens, percent)
    }
}

impl Streams {
    /// Microseconds of CPU time for a token that comes.
    pub(crate) fn for_token(&self, cpu: u64) -> f64 {
        cpu as f64 / self.server.tokens.len() as f64
    }

    /// The same with what an answer's beginning and end take, spread over its tokens.
    pub(crate) fn for_token_in_all(&self, cpu: u64) -> f64 {
        cpu as f64 / self.tokens_in_all as f64
    }

    /// What the server has for each answer that is under way, in KiB.
    pub(crate) fn memory(&self) -> f64 {
        (self.resident - self.idle) * 1_024.0 / self.count as f64
    }
}

fn percentile(sorted: &[u64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100] as f64 / 1_000.0
}
