//! The services an alert is sent to, played in this process: Slack, PagerDuty, a webhook, a heartbeat monitor.
//!
//! Each keeps every request, so that a test can say what must have arrived, and waits for it without a fixed sleep.
//! Mail has a protocol of its own and is in `mail`.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::http::{Reply, Request, Server};

/// Things that arrive one after another, and a way to wait for one of them.
pub(super) struct Inbox<T> {
    arrived: Mutex<Vec<T>>,
    news: Condvar,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self { arrived: Mutex::default(), news: Condvar::new() }
    }
}

impl<T: Clone + std::fmt::Debug> Inbox<T> {
    pub(super) fn put(&self, thing: T) {
        self.lock().push(thing);
        self.news.notify_all();
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// The first that fits, already there or yet to come.
    #[track_caller]
    pub(super) fn wait_for(&self, fits: impl Fn(&T) -> bool, timeout: Duration) -> T {
        let deadline = Instant::now() + timeout;
        let mut arrived = self.lock();
        loop {
            if let Some(thing) = arrived.iter().find(|thing| fits(thing)) {
                return thing.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing that fits came within {timeout:?}; what came: {:#?}", *arrived);
            arrived = self.news.wait_timeout(arrived, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    // A test that panics while it looks must not hide why behind a poisoned lock.
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receiver of HTTP notifications.
pub(crate) struct Receiver {
    server: Server,
    inbox: Arc<Inbox<Request>>,
    reply: Arc<Mutex<Reply>>,
}

impl Receiver {
    /// Answers every request with `reply`.
    #[track_caller]
    pub(crate) fn start(addr: SocketAddr, reply: Reply) -> Self {
        let inbox: Arc<Inbox<Request>> = Arc::default();
        let reply = Arc::new(Mutex::new(reply));
        let server = Server::start(addr, {
            let (inbox, reply) = (Arc::clone(&inbox), Arc::clone(&reply));
            move |request| {
                inbox.put(request.clone());
                reply.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
        });
        Self { server, inbox, reply }
    }

    /// A Slack incoming webhook. Alertmanager reads the body too: anything but `ok` is a failure.
    #[track_caller]
    pub(crate) fn slack(addr: SocketAddr) -> Self {
        Self::start(addr, Reply::text(200, "ok"))
    }

    /// `PagerDuty`'s Events API v2.
    #[track_caller]
    pub(crate) fn pagerduty(addr: SocketAddr) -> Self {
        let body = json!({"status": "success", "message": "Event processed", "dedup_key": "of-the-fake"});
        Self::start(addr, Reply::json(202, &body))
    }

    /// Anything that takes a POST: a webhook, a heartbeat monitor.
    #[track_caller]
    pub(crate) fn webhook(addr: SocketAddr) -> Self {
        Self::start(addr, Reply::text(200, ""))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// From now on, answers this: `answer(Reply::text(500, "out of order"))`.
    pub(crate) fn answer(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// Everything that came, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.inbox.all()
    }

    /// Forgets what came, so that `wait_for` waits for something new.
    pub(crate) fn clear(&self) {
        self.inbox.clear();
    }

    /// The first request that fits, already there or yet to come. Panics with all that came when none does in time.
    #[track_caller]
    pub(crate) fn wait_for(&self, fits: impl Fn(&Request) -> bool, timeout: Duration) -> Request {
        self.inbox.wait_for(fits, timeout)
    }
}
