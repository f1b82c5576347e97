//! A SkyPilot API server as far as the exporter sees it: the captured answers of the real one, over services that the
//! test describes, and every fault on order.
//!
//! Apart from the tests because it is strict in their place: a request that the real server would not understand, or
//! would answer with pickles, fails the test that made it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Reply, Request, Server};
use super::project::fixture;
use super::wait_until;

type Rule = Arc<dyn Fn(&Request) -> Option<Reply> + Send + Sync>;

#[derive(Default)]
struct State {
    services: Vec<Value>,
    /// Asked first; what it does not answer goes the usual way.
    rule: Option<Rule>,
    requests: Vec<Request>,
    under_way: usize,
    most_under_way: usize,
}

pub(crate) struct ApiServer {
    state: Arc<Mutex<State>>,
    addr: SocketAddr,
    server: Option<Server>,
    scheme: &'static str,
}

impl ApiServer {
    /// With the captured service `llm-chat`.
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    pub(crate) fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), tls)
    }

    pub(crate) fn start_at(addr: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(Mutex::new(State { services: captured(), ..State::default() }));
        let server = listen(&state, addr, tls);
        Self { state, addr: server.addr(), server: Some(server), scheme }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    pub(crate) fn set(&self, services: Vec<Value>) {
        self.lock().services = services;
    }

    /// Lets a rule answer first.
    pub(crate) fn rule(&self, rule: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) {
        self.lock().rule = Some(Arc::new(rule));
    }

    /// Answers every request for the result of a status in this way.
    pub(crate) fn answer(&self, reply: Reply) {
        self.rule(move |request| request.path.starts_with("/api/get").then(|| reply.clone()));
    }

    /// Answers as it should again.
    pub(crate) fn work(&self) {
        self.lock().rule = None;
    }

    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    pub(crate) fn restart(&mut self) {
        self.server = Some(listen(&self.state, self.addr, None));
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    pub(crate) fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path.starts_with(path)).collect()
    }

    /// How many calls were ever under way at the same time.
    pub(crate) fn most_under_way(&self) -> usize {
        self.lock().most_under_way
    }

    /// Returns when the exporter has worked through a poll that began after this call. The next but one has begun then,
    /// and there is only one at a time.
    #[track_caller]
    pub(crate) fn let_poll(&self) {
        let polls = || self.requests_to("/serve/status").len();
        let before = polls();
        wait_until("the exporter polls", Duration::from_secs(20), || (polls() >= before + 2).then_some(()));
    }

    // A handler that panics must not hide why behind a poisoned lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(state: &Arc<Mutex<State>>, addr: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
    let state = Arc::clone(state);
    Server::start_with(addr, tls, move |request| {
        let rule = {
            let mut state = lock(&state);
            state.requests.push(request.clone());
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            state.rule.clone()
        };
        let reply = rule.and_then(|rule| rule(request)).unwrap_or_else(|| usual(&lock(&state), request));
        lock(&state).under_way -= 1;
        reply
    })
}

fn usual(state: &State, request: &Request) -> Reply {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    // One of them missing, and the real server's answer holds a pickle for each replica.
    if request.header("X-SkyPilot-API-Version") != Some("51")
        || request.header("X-SkyPilot-Version").is_none()
    {
        return Reply::text(400, "the version headers are missing");
    }
    match (request.method.as_str(), path) {
        ("POST", "/serve/status") => match request.json().get("service_names") {
            Some(Value::Null | Value::Array(_)) => Reply::json(200, &Value::Null)
                .with_header("x-skypilot-api-version", "62")
                .with_header("x-skypilot-version", "0.14.1")
                .with_header("x-skypilot-request-id", request_id(state)),
            _ => Reply::text(422, "service_names is missing"),
        },
        ("GET", "/api/get") if query == format!("request_id={}", request_id(state)) => {
            finished(&asked_for(state))
        }
        ("POST", "/api/cancel") if request.json()["request_ids"].is_array() => Reply::text(200, "null"),
        _ => Reply::text(404, "no such path or request"),
    }
}

/// Another one for each status.
fn request_id(state: &State) -> String {
    let asked = state.requests.iter().filter(|request| request.path == "/serve/status").count();
    format!("db2e6b0b-22cc-4d1a-af93-{asked:012}")
}

/// The services that the newest status asks for, in its words.
fn asked_for(state: &State) -> Vec<Value> {
    let asked =
        state.requests.iter().rev().find(|request| request.path == "/serve/status").map(Request::json);
    let names = asked.map(|body| body["service_names"].clone()).unwrap_or_default();
    let wanted = |service: &&Value| names.as_array().is_none_or(|names| names.contains(&service["name"]));
    state.services.iter().filter(wanted).cloned().collect()
}

/// A finished request: JSON as a string inside JSON.
pub(crate) fn finished(services: &[Value]) -> Reply {
    finished_with(&json!(services).to_string())
}

/// The same with any text in place of the status.
pub(crate) fn finished_with(return_value: &str) -> Reply {
    let mut request: Value =
        serde_json::from_str(&fixture("skyserve/request.json")).expect("the captured request");
    request["return_value"] = json!(return_value);
    Reply::json(200, &request)
}

/// A request that failed with an error of this type. The real ones quote what they failed on.
pub(crate) fn failed(kind: &str, message: &str) -> Reply {
    let mut body: Value =
        serde_json::from_str(&fixture("skyserve/no-controller.json")).expect("the captured error");
    let error = json!({"object": "gAROLg==", "type": kind, "message": message});
    body["detail"]["error"] = json!(error.to_string());
    Reply::json(500, &body)
}

/// The captured status: one service, a replica in each state, five clouds.
pub(crate) fn captured() -> Vec<Value> {
    let status: Value = serde_json::from_str(&fixture("skyserve/status.json")).expect("the captured status");
    status.as_array().expect("a list of services").clone()
}

/// A service with these replicas, else as the captured one.
pub(crate) fn service(name: &str, hash: &str, replicas: Vec<Value>) -> Value {
    let mut service = captured().remove(0);
    service["name"] = json!(name);
    service["hash"] = json!(hash);
    service["replica_info"] = Value::Array(replicas);
    service
}

/// A replica on another machine.
pub(crate) fn placed(mut replica: Value, cloud: &str, region: &str, spot: bool, accelerator: &str) -> Value {
    replica["cloud"] = json!(cloud);
    replica["region"] = json!(region);
    replica["is_spot"] = json!(spot);
    let kind = if spot { "[spot]" } else { "" };
    replica["resources_str"] = json!(format!("1x{kind}(gpus={accelerator}:1, some-machine, ...)"));
    replica
}

/// A spot machine on AWS with an L40S, or what is left of one; without a machine there is neither cloud nor address.
pub(crate) fn replica(id: u32, status: &str, endpoint: Option<&str>) -> Value {
    let mut replica = captured()[0]["replica_info"][0].clone();
    replica["replica_id"] = json!(id);
    replica["name"] = json!(format!("llm-chat-{id}"));
    replica["status"] = json!(status);
    replica["endpoint"] = json!(endpoint);
    if endpoint.is_none() {
        let fields = replica.as_object_mut().expect("a record");
        for gone in ["cloud", "region", "resources_str", "resources_str_full", "infra"] {
            fields.remove(gone);
        }
        fields.insert("launched_at".to_owned(), Value::Null);
    }
    replica
}
