//! Held against the schema that Grafana publishes for the version which the stack runs: a key that Grafana does not know,
//! or a value of another type, would be dropped or drawn wrong without a word. See `tests/grafana/dashboard.ts`.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use skymon::catalog::programs::GRAFANA;

use crate::page::{Page, list, pages, pages_of_all_stacks, rendered, text};

struct Schema {
    grafana: String,
    /// By type of panel; and `dashboard` for the page itself, `override` for what a panel does otherwise.
    kinds: BTreeMap<String, Validator>,
}

impl Schema {
    fn read() -> Self {
        let derived = include_str!("../grafana/schema.json");
        let mut all: Map<String, Value> =
            serde_json::from_str(derived).expect("tests/grafana/derive made it");
        let grafana = all.remove("grafana").expect("made for one version");
        let validator = |schema: &Value| jsonschema::draft7::new(schema).expect("is a schema");
        let kinds = all.iter().map(|(kind, schema)| (kind.clone(), validator(schema))).collect();
        Self { grafana: text(&grafana).to_owned(), kinds }
    }

    fn faults(&self, kind: &str, place: &str, value: &Value) -> Vec<String> {
        let Some(validator) = self.kinds.get(kind) else {
            return vec![format!("{place}: no panel of type `{kind}` is in tests/grafana/dashboard.ts")];
        };
        validator
            .iter_errors(value)
            .map(|fault| format!("{place}{}: {fault}", fault.instance_path()))
            .collect()
    }

    fn faults_of(&self, page: &Page) -> Vec<String> {
        let mut faults = self.faults("dashboard", &page.file, &page.json);
        for panel in page.panels() {
            let place = page.place(panel);
            faults.extend(self.faults(text(&panel["type"]), &place, panel));
            for one in list(&panel["fieldConfig"]["overrides"]) {
                faults.extend(self.faults("override", &place, one));
            }
        }
        faults
    }
}

#[test]
fn every_dashboard_is_what_grafana_publishes_as_its_schema() {
    let schema = Schema::read();
    let faults: Vec<String> = pages_of_all_stacks().iter().flat_map(|page| schema.faults_of(page)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_schema_is_that_of_the_grafana_that_the_stack_runs() {
    let schema = Schema::read();
    assert_eq!(schema.grafana, GRAFANA.tag, "change the version in tests/grafana/derive and run it");
}

/// Each as a slip of the pen would make it.
#[test]
fn a_misspelt_key_and_a_wrong_type_are_noticed() {
    let schema = Schema::read();
    let slips = [
        ("", "tagz", json!([])),
        ("", "refresh", json!(30)),
        ("/panels/0", "titel", json!("x")),
        ("/panels/0", "type", json!("singlestat")),
        ("/panels/0/gridPos", "w", json!("12")),
        ("/panels/0/options", "colorMode", json!("backgroundd")),
        ("/panels/0/options", "colourMode", json!("value")),
        ("/panels/0/targets/0", "legendFromat", json!("{{le}}")),
        ("/panels/0/fieldConfig/defaults", "noValues", json!("none")),
        ("/panels/0/fieldConfig/defaults/thresholds/steps/0", "value", json!("1")),
        ("/panels/8/fieldConfig/overrides/0/properties/0", "id", json!("displayname")),
        ("/panels/8/fieldConfig/overrides/0/matcher", "id", json!("byname")),
        ("/panels/8/options", "showHeader", json!("yes")),
        ("/panels/8/transformations/0", "id", json!("organise")),
        ("/annotations/list/0", "iconColour", json!("red")),
        ("/annotations/list/0/target", "expr", json!(1)),
        ("/links/0", "keepTime", json!("yes")),
    ];
    let project = rendered("examples/tutorial");
    for (place, key, value) in slips {
        let mut pages = pages(&project);
        let page = pages.iter_mut().find(|page| page.file == "overview.json").expect("the overview");
        assert_eq!(schema.faults_of(page), Vec::<String>::new(), "as rendered");
        let fields = page.json.pointer_mut(place).and_then(Value::as_object_mut);
        fields.unwrap_or_else(|| panic!("no `{place}` in it")).insert(key.to_owned(), value);
        assert!(!schema.faults_of(page).is_empty(), "nothing noticed `{key}` at `{place}`");
    }
}
