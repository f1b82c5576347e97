//! What an expert would say after reading all files of a stack together. One file for each check, named as its id, and one
//! page in `docs/checks/` whose examples are its tests (`tests/checks.rs`). The table below is the list.
//!
//! A check sees the [`Stack`] and nothing else: it does not care whether skymon rendered the files. Severity is by
//! consequence: an error will not work, or nobody will know; a warning will hurt; a note is worth a thought. A false alarm
//! is a bug: what a check cannot know, it says nothing of.

mod allow;
mod pages;

// What the checks share.
mod asked;
mod counters;
mod engines;
mod scrapes;
mod shapes;
mod values;
mod verdicts;
mod words;

mod alertmanager_address;
mod always_fires;
mod average_as_ratio;
mod average_of_quantiles;
mod bucket_not_there;
mod burn_factor_one;
mod clamped_traffic;
mod compose_version;
mod config_not_mounted;
mod counter_compared_raw;
mod dashboard_incomplete;
mod dashboard_wrapped;
mod dashboards_not_loaded;
mod data_not_kept;
mod datasource_without_uid;
mod default_password;
mod delta_of_counter;
mod deprecated_match;
mod everything_dropped;
mod for_too_short;
mod group_interval_short;
mod image_without_tag;
mod interval_longer_than_range;
mod irate_in_alert;
mod load_without_cores;
mod localhost_in_container;
mod lost_target_unnoticed;
mod metric_gone;
mod metrics_elsewhere;
mod metrics_switched_off;
mod monitoring_unwatched;
mod mount_source_missing;
mod never_fires;
mod no_alertmanager;
mod no_comparison;
mod no_inhibition;
mod one_lost_scrape;
mod pagerduty_service_key;
mod panel_without_datasource;
mod percent_of_ratio;
mod placeholder;
mod port_on_all_interfaces;
mod public_endpoint_target;
mod quantile_not_aggregated;
mod quantile_out_of_range;
mod quantile_without_rate;
mod range_too_short;
mod range_without_slack;
mod rate_of_aggregate;
mod rate_of_gauge;
mod ratio_without_minimum;
mod receiver_without_integration;
mod retention_by_time_only;
mod rules_not_loaded;
mod secret_in_file;
mod severity_not_routed;
mod silent_at_no_data;
mod single_file_mount;
mod threshold_beyond_buckets;
mod tls_not_verified;
mod undefined_receiver;
mod unknown_metric;
mod unused_receiver;

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
    alertmanager_address::CHECK,
    always_fires::CHECK,
    average_as_ratio::CHECK,
    average_of_quantiles::CHECK,
    bucket_not_there::CHECK,
    burn_factor_one::CHECK,
    clamped_traffic::CHECK,
    compose_version::CHECK,
    config_not_mounted::CHECK,
    counter_compared_raw::CHECK,
    dashboard_incomplete::CHECK,
    dashboard_wrapped::CHECK,
    dashboards_not_loaded::CHECK,
    data_not_kept::CHECK,
    datasource_without_uid::CHECK,
    default_password::CHECK,
    delta_of_counter::CHECK,
    deprecated_match::CHECK,
    everything_dropped::CHECK,
    for_too_short::CHECK,
    group_interval_short::CHECK,
    image_without_tag::CHECK,
    interval_longer_than_range::CHECK,
    irate_in_alert::CHECK,
    load_without_cores::CHECK,
    localhost_in_container::CHECK,
    lost_target_unnoticed::CHECK,
    metric_gone::CHECK,
    metrics_elsewhere::CHECK,
    metrics_switched_off::CHECK,
    monitoring_unwatched::CHECK,
    mount_source_missing::CHECK,
    never_fires::CHECK,
    no_alertmanager::CHECK,
    no_comparison::CHECK,
    no_inhibition::CHECK,
    one_lost_scrape::CHECK,
    pagerduty_service_key::CHECK,
    panel_without_datasource::CHECK,
    percent_of_ratio::CHECK,
    placeholder::CHECK,
    port_on_all_interfaces::CHECK,
    public_endpoint_target::CHECK,
    quantile_not_aggregated::CHECK,
    quantile_out_of_range::CHECK,
    quantile_without_rate::CHECK,
    range_too_short::CHECK,
    range_without_slack::CHECK,
    rate_of_aggregate::CHECK,
    rate_of_gauge::CHECK,
    ratio_without_minimum::CHECK,
    receiver_without_integration::CHECK,
    retention_by_time_only::CHECK,
    rules_not_loaded::CHECK,
    secret_in_file::CHECK,
    severity_not_routed::CHECK,
    silent_at_no_data::CHECK,
    single_file_mount::CHECK,
    threshold_beyond_buckets::CHECK,
    tls_not_verified::CHECK,
    undefined_receiver::CHECK,
    unknown_metric::CHECK,
    unused_receiver::CHECK,
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
