//! The events of runs in memory: the log of each run, the journal of the runs that this process
//! answers, the feed of runs that other processes answer, and their followers.

pub(crate) mod feed;
pub(crate) mod follower;
pub(crate) mod journal;
pub(crate) mod run_log;
pub(crate) mod size;
