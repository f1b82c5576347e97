//! What an expert would say after reading all files of a stack together. One file for each check, named as its id, and one
//! page in `docs/checks/` whose examples are its tests (`tests/checks.rs`). The table below is the list. It repeats the `mod`
//! lines, since rustfmt does not follow those that a macro writes; a check that stands in one of both alone is a fault to the
//! compiler or to clippy.
//!
//! A check sees the [`Stack`] and nothing else: it does not care whether skymon rendered the files (`metric_gone` alone does).
//! Severity is by consequence: an error will not work, or nobody will know; a warning will hurt; a note is worth a thought. A
//! false alarm is a bug: what a check cannot know, it says nothing of.

mod allow;
mod pages;
mod shared;

mod address_misspelt;
mod admin_api_open;
mod alert_without_summary;
mod alert_without_test;
mod alertmanager_address;
mod alertmanager_api_gone;
mod always_fires;
mod angular_panel;
mod average_as_ratio;
mod average_of_quantiles;
mod bucket_not_there;
mod burn_factor_one;
mod clamped_traffic;
mod common_value_empty;
mod compose_file_missing;
mod compose_version;
mod config_not_mounted;
mod counter_compared_raw;
mod dashboard_incomplete;
mod dashboard_wrapped;
mod dashboards_not_loaded;
mod data_not_kept;
mod datasource_address;
mod datasource_of_old_form;
mod datasource_without_uid;
mod default_password;
mod delta_of_counter;
mod depends_on_no_healthcheck;
mod deprecated_match;
mod disks_of_the_container;
mod dollar_eaten;
mod dollar_in_provisioning;
mod duplicate_dashboard;
mod duplicate_group;
mod duplicate_group_by;
mod duplicate_job;
mod duplicate_receiver;
mod duplicate_rule;
mod equal_label_missing;
mod everything_dropped;
mod exporter_not_scraped;
mod expression_broken;
mod expression_not_read;
mod file_not_mounted;
mod filesystem_not_there;
mod flag_refused;
mod folder_not_writable;
mod for_too_short;
mod given_twice;
mod gpu_not_reserved;
mod grafana_open;
mod group_by_all;
mod group_by_unknown_label;
mod group_interval_short;
mod health_check_fails;
mod heartbeat_goes_nowhere;
mod honor_labels_missing;
mod host_gateway_missing;
mod https_without_authority;
mod image_without_tag;
mod inhibits_everything;
mod inhibits_nothing;
mod integration_incomplete;
mod interval_beyond_lookback;
mod interval_longer_than_range;
mod irate_in_alert;
mod job_not_scraped;
mod job_without_targets;
mod label_dropped;
mod label_misspelt;
mod label_not_recorded;
mod label_not_there;
mod le_not_normalised;
mod links_not_reachable;
mod load_without_cores;
mod localhost_in_container;
mod lost_target_unnoticed;
mod mail_address_invalid;
mod mail_password_in_clear;
mod mail_without_password;
mod matcher_unreadable;
mod matches_no_alert;
mod metric_gone;
mod metrics_elsewhere;
mod metrics_need_key;
mod metrics_switched_off;
mod missing_key;
mod monitoring_unwatched;
mod mount_source_missing;
mod never_fires;
mod no_alertmanager;
mod no_comparison;
mod no_datasource;
mod no_inhibition;
mod no_restart_policy;
mod no_such_tag;
mod not_declared;
mod not_on_one_network;
mod obsolete_links;
mod one_group_for_all;
mod one_lost_scrape;
mod paged_twice;
mod pagerduty_service_key;
mod panel_without_datasource;
mod panel_without_query;
mod password_may_be_default;
mod path_from_shell;
mod percent_of_ratio;
mod placeholder;
mod plugins_at_start;
mod port_not_fixed;
mod port_on_all_interfaces;
mod port_taken_twice;
mod ports_on_host_network;
mod probe_not_configured;
mod public_endpoint_target;
mod quantile_not_aggregated;
mod quantile_out_of_range;
mod quantile_without_le;
mod quantile_without_rate;
mod range_too_short;
mod range_without_slack;
mod rate_of_aggregate;
mod rate_of_gauge;
mod ratio_without_minimum;
mod receiver_without_integration;
mod recorded_too_late;
mod recording_name;
mod regex_broken;
mod regex_without_pattern;
mod relabeling_misspelt;
mod relabeling_without_source;
mod resolved_not_sent;
mod retention_by_time_only;
mod retention_too_small;
mod root_on_the_machine;
mod root_route_with_conditions;
mod route_never_reached;
mod rules_not_loaded;
mod script_not_executable;
mod secret_file_missing;
mod secret_in_file;
mod setting_not_read;
mod severity_not_routed;
mod sides_never_match;
mod silent_at_no_data;
mod single_file_mount;
mod slack_update_with_webhook;
mod slack_without_channel;
mod target_address;
mod target_file_missing;
mod target_not_an_address;
mod target_twice;
mod target_without_port;
mod targets_not_read;
mod template_broken;
mod template_unknown;
mod tested_rule_missing;
mod threshold_beyond_buckets;
mod time_interval_short;
mod timeout_longer_than_interval;
mod timers_out_of_order;
mod tls_config_without_https;
mod tls_not_verified;
mod two_default_datasources;
mod undefined_receiver;
mod undefined_time_interval;
mod unknown_datasource;
mod unknown_key;
mod unknown_metric;
mod unknown_plugin;
mod unused_receiver;
mod value_in_label;
mod variable_misspelt;
mod variable_never_found;
mod value_refused;
mod variable_not_expanded;
mod wrong_port;
mod wrong_type;

pub use self::allow::Allowed;
pub use self::pages::page;
pub use self::shared::words::list;
use crate::cores;
use crate::diagnostics::{Diagnostic, Place, Report, Severity};
use crate::forms::Fault;
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
    address_misspelt::CHECK,
    admin_api_open::CHECK,
    alert_without_summary::CHECK,
    alert_without_test::CHECK,
    alertmanager_address::CHECK,
    alertmanager_api_gone::CHECK,
    always_fires::CHECK,
    angular_panel::CHECK,
    average_as_ratio::CHECK,
    average_of_quantiles::CHECK,
    bucket_not_there::CHECK,
    burn_factor_one::CHECK,
    clamped_traffic::CHECK,
    common_value_empty::CHECK,
    compose_file_missing::CHECK,
    compose_version::CHECK,
    config_not_mounted::CHECK,
    counter_compared_raw::CHECK,
    dashboard_incomplete::CHECK,
    dashboard_wrapped::CHECK,
    dashboards_not_loaded::CHECK,
    data_not_kept::CHECK,
    datasource_address::CHECK,
    datasource_of_old_form::CHECK,
    datasource_without_uid::CHECK,
    default_password::CHECK,
    delta_of_counter::CHECK,
    depends_on_no_healthcheck::CHECK,
    deprecated_match::CHECK,
    disks_of_the_container::CHECK,
    dollar_eaten::CHECK,
    dollar_in_provisioning::CHECK,
    duplicate_dashboard::CHECK,
    duplicate_group::CHECK,
    duplicate_group_by::CHECK,
    duplicate_job::CHECK,
    duplicate_receiver::CHECK,
    duplicate_rule::CHECK,
    equal_label_missing::CHECK,
    everything_dropped::CHECK,
    exporter_not_scraped::CHECK,
    expression_broken::CHECK,
    expression_not_read::CHECK,
    file_not_mounted::CHECK,
    filesystem_not_there::CHECK,
    flag_refused::CHECK,
    folder_not_writable::CHECK,
    for_too_short::CHECK,
    given_twice::CHECK,
    gpu_not_reserved::CHECK,
    grafana_open::CHECK,
    group_by_all::CHECK,
    group_by_unknown_label::CHECK,
    group_interval_short::CHECK,
    health_check_fails::CHECK,
    heartbeat_goes_nowhere::CHECK,
    honor_labels_missing::CHECK,
    host_gateway_missing::CHECK,
    https_without_authority::CHECK,
    image_without_tag::CHECK,
    inhibits_everything::CHECK,
    inhibits_nothing::CHECK,
    integration_incomplete::CHECK,
    interval_beyond_lookback::CHECK,
    interval_longer_than_range::CHECK,
    irate_in_alert::CHECK,
    job_not_scraped::CHECK,
    job_without_targets::CHECK,
    label_dropped::CHECK,
    label_misspelt::CHECK,
    label_not_recorded::CHECK,
    label_not_there::CHECK,
    le_not_normalised::CHECK,
    links_not_reachable::CHECK,
    load_without_cores::CHECK,
    localhost_in_container::CHECK,
    lost_target_unnoticed::CHECK,
    mail_address_invalid::CHECK,
    mail_password_in_clear::CHECK,
    mail_without_password::CHECK,
    matcher_unreadable::CHECK,
    matches_no_alert::CHECK,
    metric_gone::CHECK,
    metrics_elsewhere::CHECK,
    metrics_need_key::CHECK,
    metrics_switched_off::CHECK,
    missing_key::CHECK,
    monitoring_unwatched::CHECK,
    mount_source_missing::CHECK,
    never_fires::CHECK,
    no_alertmanager::CHECK,
    no_comparison::CHECK,
    no_datasource::CHECK,
    no_inhibition::CHECK,
    no_restart_policy::CHECK,
    no_such_tag::CHECK,
    not_declared::CHECK,
    not_on_one_network::CHECK,
    obsolete_links::CHECK,
    one_group_for_all::CHECK,
    one_lost_scrape::CHECK,
    paged_twice::CHECK,
    pagerduty_service_key::CHECK,
    panel_without_datasource::CHECK,
    panel_without_query::CHECK,
    password_may_be_default::CHECK,
    path_from_shell::CHECK,
    percent_of_ratio::CHECK,
    placeholder::CHECK,
    plugins_at_start::CHECK,
    port_not_fixed::CHECK,
    port_on_all_interfaces::CHECK,
    port_taken_twice::CHECK,
    ports_on_host_network::CHECK,
    probe_not_configured::CHECK,
    public_endpoint_target::CHECK,
    quantile_not_aggregated::CHECK,
    quantile_out_of_range::CHECK,
    quantile_without_le::CHECK,
    quantile_without_rate::CHECK,
    range_too_short::CHECK,
    range_without_slack::CHECK,
    rate_of_aggregate::CHECK,
    rate_of_gauge::CHECK,
    ratio_without_minimum::CHECK,
    receiver_without_integration::CHECK,
    recorded_too_late::CHECK,
    recording_name::CHECK,
    regex_broken::CHECK,
    regex_without_pattern::CHECK,
    relabeling_misspelt::CHECK,
    relabeling_without_source::CHECK,
    resolved_not_sent::CHECK,
    retention_by_time_only::CHECK,
    retention_too_small::CHECK,
    root_on_the_machine::CHECK,
    root_route_with_conditions::CHECK,
    route_never_reached::CHECK,
    rules_not_loaded::CHECK,
    script_not_executable::CHECK,
    secret_file_missing::CHECK,
    secret_in_file::CHECK,
    setting_not_read::CHECK,
    severity_not_routed::CHECK,
    sides_never_match::CHECK,
    silent_at_no_data::CHECK,
    single_file_mount::CHECK,
    slack_update_with_webhook::CHECK,
    slack_without_channel::CHECK,
    target_address::CHECK,
    target_file_missing::CHECK,
    target_not_an_address::CHECK,
    target_twice::CHECK,
    target_without_port::CHECK,
    targets_not_read::CHECK,
    template_broken::CHECK,
    template_unknown::CHECK,
    tested_rule_missing::CHECK,
    threshold_beyond_buckets::CHECK,
    time_interval_short::CHECK,
    timeout_longer_than_interval::CHECK,
    timers_out_of_order::CHECK,
    tls_config_without_https::CHECK,
    tls_not_verified::CHECK,
    two_default_datasources::CHECK,
    undefined_receiver::CHECK,
    undefined_time_interval::CHECK,
    unknown_datasource::CHECK,
    unknown_key::CHECK,
    unknown_metric::CHECK,
    unknown_plugin::CHECK,
    unused_receiver::CHECK,
    value_in_label::CHECK,
    value_refused::CHECK,
    variable_misspelt::CHECK,
    variable_never_found::CHECK,
    variable_not_expanded::CHECK,
    wrong_port::CHECK,
    wrong_type::CHECK,
];

impl Check {
    /// A finding of this check. Its first place is the one that an allowance speaks of.
    fn finding(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.id, self.severity, message.into())
    }

    /// One finding for the same fault at several places, where the same cure is to be written at each. An allowance speaks of
    /// one of them: `together` must stay true of the rest. `None` where there is no place.
    fn at_each(
        &self,
        places: Vec<(Place, String)>,
        alone: impl Into<String>,
        together: impl Into<String>,
    ) -> Option<Diagnostic> {
        let message = if places.len() == 1 { alone.into() } else { together.into() };
        let is_any = !places.is_empty();
        let add = |finding: Diagnostic, (place, text)| finding.and_at(place, text);
        is_any.then(|| places.into_iter().fold(self.finding(message), add))
    }

    /// Where files do not have the form that their programs read, in this way.
    fn misfits(&self, fault: Fault, stack: &Stack, report: &mut Report) {
        for misfit in stack.misfits().iter().filter(|misfit| misfit.fault == fault) {
            let mut finding =
                self.finding(misfit.message.clone()).at(misfit.at.place(), misfit.label.clone());
            if let Some((other, text)) = &misfit.other {
                finding = finding.at(other.place(), text.clone());
            }
            report.push(finding.help(misfit.help.clone()));
        }
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
    // What many ask for is found before they wait for one another.
    let values = || (stack.misfits().len(), shared::verdicts::judged(stack).len());
    cores::both(|| stack.weigh(), values);
    let mut report = Report::new();
    for found in cores::map(ALL.iter().collect(), |check| check.findings(stack)) {
        report.extend(found);
    }
    let mut report = allow::apply(stack, report, allowed);
    report.extend(stack.notes.iter().cloned());
    report
}
