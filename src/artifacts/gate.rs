//! The front door's Caddyfile. Apart from compose, which only mounts it.

use anyhow::Result;
use minijinja::{Value, context};

use super::Artifacts;
use crate::catalog::programs::{GATE, GATE_PORT, GRAFANA};
use crate::plan::{Certificate, Plan};
use crate::templates::Templates;

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let Some(door) = &plan.door else { return Ok(()) };
    let (own, acme) = match &door.certificate {
        Certificate::Own { cert_file, key_file } => (Some(context! { cert_file, key_file }), None),
        Certificate::Acme { email, server, ca_file } => (None, Some(context! { email, server, ca_file })),
    };
    let pages: Vec<Value> = plan
        .programs
        .iter()
        .map(|program| program.facts)
        .filter(|facts| facts.pages)
        .map(|facts| {
            let keeps_path = !plan.base_path(facts).is_empty();
            context! { name => facts.name, address => facts.address(), keeps_path }
        })
        .collect();
    let context = context! {
        host => door.host.as_str(),
        port => GATE_PORT,
        own_port => GATE.port,
        home => GRAFANA.name,
        users_file => door.users_file.as_str(),
        own,
        acme,
        pages,
    };
    artifacts.add("gate/Caddyfile", templates.render("gate/Caddyfile", context)?);
    Ok(())
}
