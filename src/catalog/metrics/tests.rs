//! What the lists say, and that they are whole and well written.

use super::*;

fn catalogue() -> Catalogue {
    Catalogue::new(Engines::built_in())
}

#[test]
fn a_name_is_known_with_its_type_and_whose_it_is() {
    let catalogue = catalogue();
    let told = |name: &str| -> Vec<(String, Kind, Part)> {
        let known = catalogue.known(name).into_iter().filter(|one| one.exposer.name != "nim");
        known.map(|one| (one.exposer.name.clone(), one.metric.kind, one.part)).collect()
    };
    let vllm = |kind, part| vec![("vllm".to_owned(), kind, part)];
    assert_eq!(told("vllm:kv_cache_usage_perc"), vllm(Kind::Gauge, Part::Whole));
    assert_eq!(told("vllm:num_requests_waiting_by_reason"), vllm(Kind::Gauge, Part::Whole));
    assert_eq!(told("vllm:e2e_request_latency_seconds_bucket"), vllm(Kind::Histogram, Part::Bucket));
    assert_eq!(told("vllm:e2e_request_latency_seconds_count"), vllm(Kind::Histogram, Part::Count));
    // Nobody exposes a histogram under its own name, nor a counter without its `_total`.
    assert_eq!(told("vllm:e2e_request_latency_seconds"), []);
    assert_eq!(told("vllm:num_preemptions"), []);
}

#[test]
fn a_unit_and_a_type_say_which_values_there_are() {
    let catalogue = catalogue();
    let range = |name: &str| catalogue.known(name)[0].range();
    assert_eq!(range("vllm:kv_cache_usage_perc"), (0.0, 1.0));
    assert_eq!(range("vllm:num_requests_running"), (0.0, f64::INFINITY));
    assert_eq!(range("up"), (0.0, 1.0));
}

#[test]
fn a_list_says_nothing_twice_that_an_engines_file_says() {
    for exposer in catalogue().exposers() {
        let Some(engine) = &exposer.engine else { continue };
        for metric in lines::list(exposer.text).map(|(_, line)| lines::read(line)) {
            assert!(!engine.metrics.contains_key(&metric.name), "{}: {}", exposer.name, metric.name);
        }
    }
}

#[test]
fn every_line_of_every_list_is_a_metric_and_none_is_there_twice() {
    for exposer in catalogue().exposers() {
        let names: Vec<String> = lines::list(exposer.text).map(|(_, line)| lines::read(line).name).collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(names.len(), once.len(), "{}", exposer.name);
        for metric in exposer.metrics() {
            if let Some(by) = &metric.replaced_by {
                assert!(exposer.by_name().contains_key(by.as_str()), "{}: {by}", metric.name);
            }
            let ordered = metric.buckets.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ordered, "{}", metric.name);
        }
    }
}

#[test]
fn a_version_lacks_what_it_is_known_to_lack() {
    let catalogue = catalogue();
    let lacks = |name: &str, version: &str| {
        let known = catalogue.known(name);
        let vllm = known.iter().find(|known| known.exposer.name == "vllm").expect("is vLLM's");
        vllm.exposer.lacks(vllm.metric, &version.parse().expect("a version"))
    };
    assert!(lacks("vllm:gpu_cache_usage_perc", "0.12"));
    assert!(!lacks("vllm:gpu_cache_usage_perc", "0.11.2"));
    assert!(lacks("vllm:kv_cache_usage_perc", "0.8.5"));
    assert!(!lacks("vllm:kv_cache_usage_perc", "0.9.2"));
    // Nobody has looked at the versions between.
    assert!(!lacks("vllm:kv_cache_usage_perc", "0.9.1"));
    assert!(!lacks("vllm:kv_cache_usage_perc", "0.6"));
}

#[test]
fn the_list_of_a_program_has_only_names_that_begin_as_its_own() {
    for exposer in catalogue().exposers().filter(|one| one.engine.is_none() && !one.prefixes.is_empty()) {
        for name in exposer.by_name().keys() {
            assert!(begins(&exposer.prefixes, name), "{}: {name}", exposer.name);
        }
    }
}
