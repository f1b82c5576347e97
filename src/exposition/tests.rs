//! Pages of real servers, and the ways in which they are written.

use std::path::Path;

use super::*;
use crate::catalog::engines::Engines;

/// All pages of `tests/fixtures/engines`, by their names.
fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/engines");
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "prom"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    pages.sort();
    assert!(!pages.is_empty());
    pages
}

fn metric<'a>(page: &'a Exposition, name: &str) -> &'a Shown {
    page.metrics.get(name).unwrap_or_else(|| panic!("no `{name}` in {:?}", page.metrics.keys()))
}

#[test]
fn every_page_of_a_real_server_is_read_whole() {
    for (name, text) in pages() {
        let page = Exposition::parse(&text);
        assert_eq!(page.faults, [], "{name}");
        for (metric, shown) in &page.metrics {
            assert_ne!(shown.kind, Kind::Unknown, "{name}: {metric}");
            let is_seen = !shown.series.is_empty();
            assert_eq!(
                shown.kind == Kind::Histogram && is_seen,
                !shown.buckets.is_empty(),
                "{name}: {metric}"
            );
            assert!(!metric.ends_with("_bucket") && !metric.ends_with("_created"), "{name}: {metric}");
        }
    }
}

#[test]
fn what_servers_write_otherwise_than_the_book_is_read_as_prometheus_reads_it() {
    let page = Exposition::parse(concat!(
        "# HELP only_help Nothing else is said of it\n",
        "# a comment\n\n",
        "plain 1\n",
        "  spaced \t{ a = \"b\" , c=\"d\", }  2e+011 1395066363000\n",
        "escaped{p=\"C:\\\\DIR\\n\\\"x\\\"}} \",q=\"\"} 3 # {trace=\"1\"} 0.5\n",
        "# TYPE seconds histogram\n",
        "seconds_sum 1\n",
        "seconds_bucket{le=\"1\"} 1\n",
        "seconds_bucket{le=\"0.5\"} 1\n",
        "seconds_bucket{le=\"+Inf\"} 1\n",
        "cut_bucket{le=\"0.1\"} 1\n",
        "cut_bucket{le=\"0.2\"} 1\n",
        "# TYPE sizes summary\n",
        "sizes{quantile=\"0\"} 2e-09\n",
        "sizes_count 1\n",
        "done_total 5\n",
        "done_created 1.7e9\n",
        "# TYPE never_total counter\n",
        "{\"with.dots\",a=\"b\"} NaN\n",
        "last +Inf",
    ));
    assert_eq!(page.faults, []);
    let names: Vec<&str> = page.metrics.keys().map(String::as_str).collect();
    let expected = [
        "cut",
        "done_total",
        "escaped",
        "last",
        "never_total",
        "plain",
        "seconds",
        "sizes",
        "spaced",
        "with.dots",
    ];
    assert_eq!(names, expected);
    assert!((metric(&page, "spaced").series[0].1 - 2e11).abs() < 1.0);
    assert_eq!(metric(&page, "escaped").series[0].0["p"], "C:\\DIR\n\"x\"}} ");
    assert_eq!(metric(&page, "seconds").buckets, [0.5, 1.0]);
    assert_eq!(metric(&page, "seconds").series.len(), 1);
    assert_eq!(
        (metric(&page, "cut").kind, &metric(&page, "cut").buckets[..]),
        (Kind::Histogram, &[0.1, 0.2][..])
    );
    assert_eq!(metric(&page, "sizes").kind, Kind::Summary);
    assert_eq!(metric(&page, "done_total").kind, Kind::Counter);
    assert!(metric(&page, "never_total").series.is_empty());
}

#[test]
fn open_metrics_declares_counters_without_their_end_and_may_lose_its_colons() {
    let page = Exposition::parse(
        "# TYPE a:requests counter\n# UNIT a:requests requests\na_requests_total{x=\"1\"} 1\na_requests_created 1.7e9\n\
         # TYPE a:seconds histogram\na_seconds_bucket{le=\"1.0\"} 0\n# TYPE later counter\n# EOF\n",
    );
    assert_eq!(page.metrics.keys().collect::<Vec<_>>(), ["a:requests_total", "a:seconds", "later_total"]);
    assert!(page.escaped);
    assert_eq!(metric(&page, "a:requests_total").kind, Kind::Counter);
}

#[test]
fn what_would_fail_a_whole_scrape_is_said_with_its_line_and_the_rest_is_read() {
    for (line, fault) in [
        ("a -nan", "`-nan` is not a number"),
        ("a", "`a` has no value"),
        ("a{b=\"c\" 1", "a comma or `}` is missing between labels"),
        ("a{b=\"c} 1", "a label's value is not closed"),
        ("a{b=c} 1", "a label's value has no quotes"),
        ("a{b} 1", "the labels are not closed"),
        ("{} 1", "a sample without a name"),
        ("# TYPE a number", "`number` is not a type"),
        ("# TYPE", "`TYPE` names no metric"),
    ] {
        let page = Exposition::parse(&format!("first 1\n{line}\nlast 2\n"));
        assert_eq!(page.faults, [(2, fault.to_owned())], "{line}");
        assert!(page.metrics.contains_key("first") && page.metrics.contains_key("last"), "{line}");
    }
}

#[test]
fn another_page_is_none() {
    for text in [
        "",
        "<!DOCTYPE html>\n<html><body>hello</body></html>\n",
        "{\"status\": \"ok\"}",
        "# only a comment\n",
    ] {
        let page = Exposition::parse(text);
        assert!(!page.is_one(), "{text}: {:?}", page.metrics.keys());
    }
}

#[test]
fn an_engine_is_recognised_by_its_own_page_and_taken_for_no_other() {
    for (name, text) in pages() {
        let page = Exposition::parse(&text);
        let engine = name.split('.').next().unwrap();
        // A few lines that are added to other pages tell nothing.
        if page.metrics.len() < 5 {
            continue;
        }
        let found = recognize(&page, Engines::built_in());
        let names: Vec<_> = found.iter().map(|one| (one.engine.name.as_str(), one.is_sure())).collect();
        assert_eq!(names, [(engine, true)], "{name}");
    }
}
