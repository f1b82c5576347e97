//! What an expert would say after reading all files of a stack together. One file for each check, named as its id, and one
//! page in `docs/checks/` whose examples are its tests (`tests/checks.rs`). The table below is the list.
//!
//! A check sees the [`Stack`] and nothing else: it does not care whether skymon rendered the files. Severity is by
//! consequence: an error will not work, or nobody will know; a warning will hurt; a note is worth a thought. A false alarm
//! is a bug: what a check cannot know, it says nothing of.

mod allow;
mod pages;

// What the checks share.
mod flags;
mod joins;
mod shapes;
mod words;

mod admin_api_open;
mod alertmanager_address;
mod average_as_ratio;
mod compose_file_missing;
mod compose_version;
mod config_not_mounted;
mod dashboard_incomplete;
mod dashboard_wrapped;
mod dashboards_not_loaded;
mod data_not_kept;
mod datasource_without_uid;
mod default_password;
mod depends_on_no_healthcheck;
mod deprecated_match;
mod disks_of_the_container;
mod dollar_eaten;
mod flag_refused;
mod folder_not_writable;
mod gpu_not_reserved;
mod grafana_open;
mod group_interval_short;
mod host_gateway_missing;
mod image_without_tag;
mod localhost_in_container;
mod lost_target_unnoticed;
mod monitoring_unwatched;
mod mount_source_missing;
mod no_alertmanager;
mod no_inhibition;
mod no_restart_policy;
mod not_declared;
mod not_on_one_network;
mod obsolete_links;
mod pagerduty_service_key;
mod panel_without_datasource;
mod password_may_be_default;
mod path_from_shell;
mod placeholder;
mod plugins_at_start;
mod port_on_all_interfaces;
mod port_taken_twice;
mod ports_on_host_network;
mod public_endpoint_target;
mod quantile_not_aggregated;
mod ratio_without_minimum;
mod receiver_without_integration;
mod retention_by_time_only;
mod root_on_the_machine;
mod rules_not_loaded;
mod script_not_executable;
mod secret_file_missing;
mod secret_in_file;
mod severity_not_routed;
mod silent_at_no_data;
mod single_file_mount;
mod tls_not_verified;
mod undefined_receiver;
mod unused_receiver;
mod wrong_port;

pub use self::allow::Allowed;
pub use self::pages::page;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::Stack;

/// One thing that can be wrong with a stack.
pub struct Check {
    /// Kebab-case words: the name of its file and of its page.
    pub id: &'static str,
    pub severity: Severity,
    run: fn(&Stack, &mut Report),
}

/// All checks, in the order of their ids.
pub const ALL: &[Check] = &[
    admin_api_open::CHECK,
    alertmanager_address::CHECK,
    average_as_ratio::CHECK,
    compose_file_missing::CHECK,
    compose_version::CHECK,
    config_not_mounted::CHECK,
    dashboard_incomplete::CHECK,
    dashboard_wrapped::CHECK,
    dashboards_not_loaded::CHECK,
    data_not_kept::CHECK,
    datasource_without_uid::CHECK,
    default_password::CHECK,
    depends_on_no_healthcheck::CHECK,
    deprecated_match::CHECK,
    disks_of_the_container::CHECK,
    dollar_eaten::CHECK,
    flag_refused::CHECK,
    folder_not_writable::CHECK,
    gpu_not_reserved::CHECK,
    grafana_open::CHECK,
    group_interval_short::CHECK,
    host_gateway_missing::CHECK,
    image_without_tag::CHECK,
    localhost_in_container::CHECK,
    lost_target_unnoticed::CHECK,
    monitoring_unwatched::CHECK,
    mount_source_missing::CHECK,
    no_alertmanager::CHECK,
    no_inhibition::CHECK,
    no_restart_policy::CHECK,
    not_declared::CHECK,
    not_on_one_network::CHECK,
    obsolete_links::CHECK,
    pagerduty_service_key::CHECK,
    panel_without_datasource::CHECK,
    password_may_be_default::CHECK,
    path_from_shell::CHECK,
    placeholder::CHECK,
    plugins_at_start::CHECK,
    port_on_all_interfaces::CHECK,
    port_taken_twice::CHECK,
    ports_on_host_network::CHECK,
    public_endpoint_target::CHECK,
    quantile_not_aggregated::CHECK,
    ratio_without_minimum::CHECK,
    receiver_without_integration::CHECK,
    retention_by_time_only::CHECK,
    root_on_the_machine::CHECK,
    rules_not_loaded::CHECK,
    script_not_executable::CHECK,
    secret_file_missing::CHECK,
    secret_in_file::CHECK,
    severity_not_routed::CHECK,
    silent_at_no_data::CHECK,
    single_file_mount::CHECK,
    tls_not_verified::CHECK,
    undefined_receiver::CHECK,
    unused_receiver::CHECK,
    wrong_port::CHECK,
];

impl Check {
    /// A finding of this check. Its first place is the one that an allowance speaks of.
    fn finding(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.id, self.severity, message.into())
    }

    pub fn find(id: &str) -> Option<&'static Check> {
        ALL.iter().find(|check| check.id == id)
    }

    /// What this check alone finds, allowed or not.
    pub fn findings(&self, stack: &Stack) -> Report {
        let mut report = Report::new();
        (self.run)(stack, &mut report);
        report
    }
}

/// Everything that is wrong with a stack and not allowed, with what could not be read of it. `allowed` is what a config says.
pub fn run(stack: &Stack, allowed: &[Allowed]) -> Report {
    let mut report = Report::new();
    for check in ALL {
        (check.run)(stack, &mut report);
    }
    let mut report = allow::apply(stack, report, allowed);
    report.extend(stack.notes.iter().cloned());
    report
}
