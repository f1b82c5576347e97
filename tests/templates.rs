//! What a user meets who overrides a template: the list, the copy, what becomes of it, and every fault with its place in
//! their own file.

mod support;

use std::fs;

use skymon::templates::BuiltIn;
use support::project::{Project, files_below};
use support::tools::{self, Output};

const MINIMAL: &str = include_str!("fixtures/examples/minimal.yaml");
const RULES: &str = "templates/prometheus/rules.yml";

/// A project whose config names a folder of templates.
fn project() -> Project {
    Project::new(&format!("{MINIMAL}templates: templates/\n"))
}

/// A project with a copy of one template, in which one thing is replaced by another.
#[track_caller]
fn changed(path: &str, from: &str, to: &str) -> Project {
    let project = project();
    project.skymon(&["templates", "copy", path]).expect_success();
    let name = format!("templates/{path}");
    let text = project.read(&name);
    assert!(text.contains(from), "{from} is not in {path}");
    project.write(&name, &text.replacen(from, to, 1));
    project
}

fn validate(project: &Project) -> Output {
    let said = project.skymon(&["validate"]);
    assert!(!said.text().contains("bug:") && !said.text().contains("panicked"), "{}", said.text());
    said
}

/// The override is refused as an error with that id, at that place, by `validate` and by `render`; nothing is written.
#[track_caller]
fn is_refused(project: &Project, id: &str, place: &str, words: &[&str]) {
    let said = validate(project);
    assert_eq!(said.status, 1, "{}", said.text());
    assert!(said.stdout.contains(&format!("error[{id}]: ")), "{id}: {}", said.stdout);
    assert!(said.stdout.contains(&format!("--> {place}\n")), "{place}: {}", said.stdout);
    for word in words {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    let said = project.skymon(&["render"]);
    assert_eq!((said.status, said.stdout.as_str()), (2, ""), "{}", said.text());
    assert!(said.stderr.contains(&format!("error[{id}]: ")), "{}", said.stderr);
    assert!(!project.path("monitoring").exists());
}

#[test]
fn every_template_is_listed_with_what_it_makes_and_needs_no_config() {
    let project = project();
    fs::remove_file(project.path("skymon.yaml")).expect("removes the config");
    let said = project.skymon(&["templates"]).expect_success();
    assert_eq!(said.stderr, "");
    assert_eq!(said.stdout.lines().count(), BuiltIn::all().len());
    for (path, makes) in [
        ("docker-compose.yml", "docker-compose.yml"),
        ("prometheus/rules.yml", "prometheus/rules/<service>.yml, prometheus/rules/stack.yml"),
        ("compose/grafana.yml", "the part of grafana in docker-compose.yml"),
        ("grafana/dashboards/service.json", "grafana/dashboards/service-<engine>.json"),
    ] {
        let line = said.stdout.lines().find(|line| line.split_whitespace().next() == Some(path));
        assert_eq!(line.expect(path).split_once(' ').expect("two columns").1.trim(), makes);
    }
    assert!(!said.stdout.contains("alerts/") && !said.stdout.contains("engines/"), "{}", said.stdout);
}

#[test]
fn what_a_template_makes_is_a_file_of_a_rendered_stack() {
    let project = Project::of_fixture("everything");
    project.render();
    let files: Vec<String> =
        files_below(&project.path("monitoring")).iter().map(|path| path.display().to_string()).collect();
    for one in BuiltIn::all() {
        let service = if one.path.starts_with("instrumentation/") { "lab" } else { "api" };
        for made in one.makes().split(", ") {
            let made = made
                .rsplit(' ')
                .next()
                .expect("a name")
                .replace("<service>", service)
                .replace("<kind>", "hosts")
                .replace("<engine>", "vllm");
            assert!(files.contains(&made), "{} makes {made}", one.path);
        }
    }
}

#[test]
fn a_copy_of_every_template_changes_no_byte_of_the_stack() {
    let (plain, own) = (Project::of_fixture("everything"), Project::of_fixture("everything"));
    for one in BuiltIn::all() {
        let folder =
            if one.path == "grafana/provisioning/dashboards/skymon.yml" { continue } else { one.path };
        own.skymon(&["templates", "copy", folder]).expect_success();
    }
    plain.render();
    let said = own.render();
    assert!(!said.stderr.contains("template-"), "{}", said.stderr);
    for path in files_below(&plain.path("monitoring")) {
        let name = format!("monitoring/{}", path.display());
        assert_eq!(plain.read(&name), own.read(&name), "{name}");
    }
}

#[test]
fn a_copy_says_what_to_do_next_and_is_never_overwritten_unasked() {
    let project = Project::new(MINIMAL);
    let said = project.skymon(&["templates", "copy", "prometheus/rules.yml"]).expect_success();
    assert!(
        said.stdout
            .starts_with("wrote templates/prometheus/rules.yml\nnext:\n  1. write `templates: templates/`")
    );
    assert!(said.stdout.contains("`skymon render --diff`"), "{}", said.stdout);
    project.write("skymon.yaml", &format!("{MINIMAL}templates: ./mine\n"));
    let said = project.skymon(&["templates", "copy", "prometheus/rules.yml"]).expect_success();
    assert!(
        said.stdout.starts_with("wrote ./mine/prometheus/rules.yml\nnext:\n  1. change "),
        "{}",
        said.stdout
    );

    project.write("mine/prometheus/rules.yml", "mine: 1\n");
    let said = project.skymon(&["templates", "copy", "prometheus/rules.yml"]);
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("is there already") && said.stderr.contains("--force"), "{}", said.stderr);
    assert_eq!(project.read("mine/prometheus/rules.yml"), "mine: 1\n");
    project.skymon(&["templates", "copy", "prometheus/rules.yml", "--force"]).expect_success();
    assert!(project.read("mine/prometheus/rules.yml").starts_with("#~ skymon: copied from "));
}

#[test]
fn only_a_template_can_be_copied_and_only_beside_a_config() {
    let project = project();
    for (path, help) in [
        ("prometheus/rule.yml", "did you mean `prometheus/rules.yml`?"),
        ("../../etc/passwd", "`skymon templates` lists them"),
        ("alerts/service.yml", "`skymon templates` lists them"),
        ("skymon.yaml", "`skymon templates` lists them"),
    ] {
        let said = project.skymon(&["templates", "copy", path]);
        assert_eq!((said.status, said.stdout.as_str()), (2, ""), "{path}");
        assert!(said.stderr.contains(help), "{path}: {}", said.stderr);
    }
    assert!(!project.path("templates").exists());
    let said = project.skymon(&["templates", "copy", "RUNBOOK.md", "-c", "none/skymon.yaml"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("none/skymon.yaml"), "{}", said.stderr);
    for action in ["diff", "accept"] {
        let said = project.skymon(&["templates", action, "RUNBOOK.md"]);
        assert_eq!(said.status, 2);
        assert!(said.stderr.contains("`skymon templates copy RUNBOOK.md` writes it"), "{}", said.stderr);
    }
}

#[test]
fn an_override_takes_the_place_of_the_built_in_template_and_promtool_reads_it() {
    let project = changed("prometheus/rules.yml", "    rules:", "    interval: 30s\n    rules:");
    let said = project.render();
    assert_eq!(said.stderr.lines().filter(|line| !line.starts_with("note: not all secrets")).count(), 0);
    let rules = project.read("monitoring/prometheus/rules/demo.yml");
    assert!(rules.contains("  - name: \"demo\"\n    interval: 30s\n    rules:\n"), "{rules}");
    assert!(!rules.contains("#~"), "the mark stays behind");
    let monitoring = project.path("monitoring");
    for rules in ["prometheus/rules/demo.yml", "prometheus/rules/stack.yml"] {
        tools::promtool(&["check", "rules", rules], &monitoring).expect_success();
    }
    tools::promtool(&["test", "rules", "prometheus/tests/demo.yml"], &monitoring).expect_success();
    tools::promtool(&["check", "config", "--syntax-only", "prometheus/prometheus.yml"], &monitoring)
        .expect_success();

    let said = project.skymon(&["templates"]).expect_success();
    assert!(
        said.stdout.contains("stack.yml (overridden by templates/prometheus/rules.yml)\n"),
        "{}",
        said.stdout
    );
    let said = project.skymon(&["templates", "diff", "prometheus/rules.yml"]).expect_success();
    assert!(said.stdout.contains("\n+    interval: 30s\n") && !said.stdout.contains("#~"), "{}", said.stdout);
    assert_eq!(project.skymon(&["render", "--check"]).status, 0);
}

#[test]
fn notifications_and_dashboards_are_overridden_as_they_are() {
    let project = changed("alertmanager/templates/slack.tmpl", "danger", "#000000");
    project.skymon(&["templates", "copy", "grafana/dashboards/overview.json"]).expect_success();
    let name = "templates/grafana/dashboards/overview.json";
    let mut page: serde_json::Value = serde_json::from_str(&project.read(name)).expect("is JSON");
    page["refresh"] = "17s".into();
    project.write(name, &page.to_string());
    project.render();
    let slack = project.read("monitoring/alertmanager/templates/slack.tmpl");
    assert!(slack.contains("#000000") && !slack.contains("copied from"), "{slack}");
    let page = project.read("monitoring/grafana/dashboards/overview.json");
    assert!(page.contains("\"refresh\": \"17s\"") && !page.contains("copied_from"), "{page}");
    tools::amtool(&["check-config", "alertmanager/alertmanager.yml"], &project.path("monitoring"))
        .expect_success();
}

#[test]
fn the_exporter_is_overridden_as_it_is() {
    let project = changed("exporter/skyserve_exporter.py", "CLIENTS = 8", "CLIENTS = 9");
    let config = project.read("skymon.yaml");
    project.write("skymon.yaml", &format!("{config}skyserve: {{api_server: 'https://sky.example.com'}}\n"));
    project.render();
    let script = project.read("monitoring/exporter/skyserve_exporter.py");
    assert!(script.starts_with("#!/usr/bin/env python3\n") && script.contains("\nCLIENTS = 9\n"), "{script}");
}

#[test]
fn a_copy_whose_built_in_template_has_changed_since_is_said_until_it_is_accepted() {
    let project = project();
    project.skymon(&["templates", "copy", "prometheus/rules.yml"]).expect_success();
    let copy = project.read(RULES);
    let (mark, rest) = copy.split_once('\n').expect("has lines");
    let digest = mark.rsplit(' ').next().expect("ends in the digest");
    // As a copy is that was made of another built-in template.
    project.write(RULES, &format!("{}\n{rest}", mark.replace(digest, "0123456789abcdef")));

    let said = validate(&project);
    assert_eq!(said.status, 0, "a warning: {}", said.stdout);
    for words in [
        "warning[template-behind]: the built-in `prometheus/rules.yml` has changed since this copy of it was made",
        "--> templates/prometheus/rules.yml:1:24\n",
        &format!("the built-in one is {digest} now"),
        "`skymon templates diff prometheus/rules.yml` shows what differs",
        "`skymon templates accept prometheus/rules.yml`",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    assert!(project.render().stderr.contains("template-behind"));
    assert_eq!(project.skymon(&["validate", "--deny", "warnings"]).status, 1);
    assert!(
        project
            .skymon(&["templates"])
            .stdout
            .contains("(overridden by templates/prometheus/rules.yml, which is behind)")
    );

    project.skymon(&["templates", "accept", "prometheus/rules.yml"]).expect_success();
    assert_eq!(project.read(RULES), copy, "only the mark changes");
    assert!(!validate(&project).stdout.contains("template-behind"));
}

#[test]
fn an_override_that_was_not_copied_is_noted_and_can_be_accepted() {
    let project = project();
    project.write("templates/blackbox/blackbox.yml", "modules: {}\n");
    project.write("templates/grafana/dashboards/service.json", "{\"title\": \"t\", \"panels\": []}");
    let said = validate(&project);
    assert_eq!(said.stdout.matches("note[template-origin]").count(), 2, "{}", said.stdout);
    for path in ["blackbox/blackbox.yml", "grafana/dashboards/service.json"] {
        project.skymon(&["templates", "accept", path]).expect_success();
    }
    let said = validate(&project);
    assert_eq!((said.status, said.stdout.contains("template-")), (0, false), "{}", said.stdout);
}

#[test]
fn a_file_that_takes_the_place_of_nothing_is_a_warning_with_what_was_meant() {
    let project = project();
    project.write("templates/prometheus/rule.yml", "");
    project.write("templates/alerts/service.yml", "");
    project.write("templates/NOTES.txt", "");
    project.write("templates/.gitignore", "");
    let said = validate(&project);
    assert_eq!(said.stdout.matches("warning[idle-template]").count(), 3, "{}", said.stdout);
    for words in [
        "`templates/prometheus/rule.yml` takes the place of no template",
        "did you mean `prometheus/rules.yml`?",
        "alerts are changed under `alerts:`",
        "`skymon templates` lists what can be overridden",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
}

#[test]
fn faults_of_the_template_language_stand_at_their_place() {
    for (path, from, to, id, place, words) in [
        (
            "prometheus/rules.yml",
            "#% endfor",
            "#% endfo",
            "template-syntax",
            "templates/prometheus/rules.yml:10:10",
            "endfo",
        ),
        (
            "prometheus/rules.yml",
            "alert in alerts",
            "alert in alrets",
            "template-value",
            "templates/prometheus/rules.yml:11:23",
            "did you mean `alerts`?",
        ),
        (
            "prometheus/rules.yml",
            "alert.hold",
            "alert.hodl",
            "template-value",
            "templates/prometheus/rules.yml:15:18",
            "`skymon templates diff prometheus/rules.yml`",
        ),
        (
            "prometheus/rules.yml",
            "alert in alerts",
            "alert in everything",
            "template-value",
            "templates/prometheus/rules.yml:11:23",
            "this template gets `group`, `recordings`, `alerts`",
        ),
        (
            "RUNBOOK.md",
            "url.name",
            "url.name|upperr",
            "template-value",
            "templates/RUNBOOK.md:LINE:16",
            "upperr",
        ),
        (
            "alertmanager/receivers/slack.yml",
            "settings.webhook_url_file",
            "settings.url",
            "template-value",
            "templates/alertmanager/receivers/slack.yml:4:27",
            "`integration.settings.url` has no value here",
        ),
        (
            "alertmanager/alertmanager.yml",
            "for integration in",
            "for one in",
            "template-value",
            "templates/alertmanager/alertmanager.yml:40:44",
            "`integration.kind` has no value here",
        ),
        (
            "docker-compose.yml",
            "\"compose/\" ~ program.name ~ \".yml\"",
            "\"compose/prometheuss.yml\"",
            "template-value",
            "templates/docker-compose.yml:LINE:8",
            "did you mean `compose/prometheus.yml`?",
        ),
        (
            "docker-compose.yml",
            "\"compose/\" ~ program.name ~ \".yml\"",
            "\"docker-compose.yml\"",
            "template-value",
            "templates/docker-compose.yml:LINE:8",
            "recursion",
        ),
        (
            "RUNBOOK.md",
            "## Pages",
            "<% for a in range(9999) %><% for b in range(9999) %><% endfor %><% endfor %>",
            "template-value",
            "templates/RUNBOOK.md",
            "does not come to an end",
        ),
    ] {
        let project = changed(path, from, to);
        let text = project.read(&format!("templates/{path}"));
        let line = text[..text.find(to).expect("was written")].lines().count();
        is_refused(&project, id, &place.replace("LINE", &line.max(1).to_string()), &[words]);
    }
}

#[test]
fn a_built_in_part_that_misses_what_the_override_should_give_it_is_the_overrides_fault() {
    let project = changed(
        "alertmanager/alertmanager.yml",
        "for integration in receiver.integrations",
        "for one in receiver.integrations",
    );
    let text = project
        .read("templates/alertmanager/alertmanager.yml")
        .replace("~ integration.kind ~", "~ one.kind ~");
    project.write("templates/alertmanager/alertmanager.yml", &text);
    let words = ["`alertmanager/receivers/slack.yml` cannot be rendered from here", "included here"];
    is_refused(&project, "template-value", "templates/alertmanager/alertmanager.yml:40:8", &words);
}

#[test]
fn a_hole_may_not_stand_where_its_value_could_become_structure() {
    for (from, to, place, words) in [
        ("<%= alert.hold %>", "\"<%= alert.hold %>\"", "15:14", "remove the quotes"),
        ("<%= alert.hold %>", "<%= alert.hold %>s", "15:14", "put the whole text into the hole"),
        (
            "summary: <%= alert.summary %>",
            "summary: >\n            <%= alert.summary %>",
            "19:13",
            "write `|` instead of `>`",
        ),
        ("expr: |\n          <%= alert.expr %>", "expr: <%= alert.expr %>", "13:19", "write `expr: |`"),
        ("        for:", "        # <%= alert.expr %>\n        for:", "15:15", "not in a `|` block"),
    ] {
        let project = changed("prometheus/rules.yml", from, to);
        is_refused(&project, "template-hole", &format!("{RULES}:{place}"), &[words]);
    }
}

#[test]
fn what_an_override_makes_must_be_yaml_and_its_fault_is_shown_in_the_override() {
    let rules = "prometheus/rules.yml";
    let project = changed(rules, "      - alert: <%=", "       - alert: <%=");
    is_refused(&project, "yaml-syntax", &format!("{RULES}:12:8"), &["check the indentation"]);
    // Each line is YAML by itself; together they are not.
    let project = changed(rules, "        annotations:", "        for: 1m\n        annotations:");
    is_refused(
        &project,
        "template-result",
        &format!("{RULES}:17:9"),
        &["`groups[0].rules[", "is defined twice"],
    );
    let project = changed(
        rules,
        "      #% for alert in alerts\n",
        "      #% for alert in alerts\n    #% if loop.first\n    x: 1\n    #% endif\n",
    );
    assert_eq!(validate(&project).status, 1);
}

#[test]
fn an_override_that_makes_nothing_is_refused() {
    let project = project();
    for text in ["", "# nothing\n", "#% if false\na: 1\n#% endif\n"] {
        project.write("templates/docker-compose.yml", text);
        is_refused(&project, "template-result", "templates/docker-compose.yml", &["nothing comes out of it"]);
    }
}

#[test]
fn a_dashboard_that_cannot_be_made_is_the_overrides_fault() {
    let path = "grafana/dashboards/service.json";
    let name = format!("templates/{path}");
    is_refused(
        &changed(path, "\"panels\": [", "\"panels\": [,"),
        "json-syntax",
        &format!("{name}:72:14"),
        &[],
    );
    let project = project();
    for (text, place, words) in [
        ("{}", name.clone(), "it has no list `panels`"),
        ("[]", name.clone(), "a dashboard is a JSON object"),
        ("{\"panels\": [1]}", name.clone(), "a panel is a JSON object"),
        ("{\"panels\": [{\"type\": \"row\", \"panels\": [1]}]}", name.clone(), "a panel is a JSON object"),
        (
            "{\"panels\": [\n  {\"title\": \"Load\", \"targets\": [{\"expr\": \"sum(\"}]}]}",
            format!("{name}:2:13"),
            "the panel `Load`: `sum(` is not PromQL",
        ),
    ] {
        project.write(&name, text);
        is_refused(&project, "template-result", &place, &[words]);
    }
}

#[test]
fn a_notification_that_is_defined_nowhere_any_more_is_an_error() {
    let project =
        changed("alertmanager/templates/skymon.tmpl", "define \"skymon.title\"", "define \"skymon.titel\"");
    let words = ["`skymon.title` is defined nowhere any more", "notifications ask for it"];
    is_refused(&project, "template-definition", "templates/alertmanager/templates/skymon.tmpl", &words);
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let project = project();
    project.write("templates/RUNBOOK.md", "");
    fs::write(project.path("templates/RUNBOOK.md"), b"\xff\xfe\x00").expect("writes");
    is_refused(&project, "not-text", "templates/RUNBOOK.md", &[]);
}

#[test]
fn a_folder_that_is_not_there_is_a_note_and_a_misspelt_one_is_asked_about() {
    let project = project();
    let said = validate(&project);
    assert_eq!(said.status, 0);
    assert!(
        said.stdout.contains("note[folder-missing]: `templates` is not there: nothing is read from it"),
        "{}",
        said.stdout
    );
    project.write("tempaltes/RUNBOOK.md", "");
    assert!(validate(&project).stdout.contains("did you mean `tempaltes`?"));
}

#[test]
fn no_override_reaches_beyond_its_folder_or_writes_beside_the_stack() {
    let project = project();
    project.write("secret", "TOP SECRET");
    project.write("templates/RUNBOOK.md", "<% include \"../secret\" %>\n");
    is_refused(&project, "template-value", "templates/RUNBOOK.md:1:4", &["there is no template `../secret`"]);
    assert!(!project.skymon(&["render"]).text().contains("TOP SECRET"));

    // What skymon wrote would be read as the user's own.
    for folder in ["monitoring", "monitoring/templates", ".", "./x/.."] {
        project.write("skymon.yaml", &format!("{MINIMAL}templates: {folder}\n"));
        let said = validate(&project);
        assert_eq!(said.status, 1, "{folder}");
        assert!(said.stdout.contains("error[folder-clash]"), "{folder}: {}", said.stdout);
        let said = project.skymon(&["templates", "copy", "docker-compose.yml"]);
        assert_eq!(said.status, 2, "{folder}: {}", said.text());
    }
    project.write("skymon.yaml", &format!("{MINIMAL}templates: secret\n"));
    assert!(validate(&project).stdout.contains("`secret` is no folder"));
}

#[cfg(unix)]
#[test]
fn a_folder_of_links_and_pipes_is_read_without_harm() {
    let project = project();
    project.write("templates/prometheus/keep", "");
    std::os::unix::fs::symlink(".", project.path("templates/loop")).expect("makes a link");
    let pipe = project.path("templates/RUNBOOK.md");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    project.render();
}

#[test]
fn help_names_the_config_that_was_given() {
    let project = project();
    project.write("other/skymon.yaml", &format!("{MINIMAL}templates: templates/\n"));
    project.write("other/templates/blackbox/blackbox.yml", "modules: {}\n");
    let said = project.skymon(&["validate", "-c", "other/skymon.yaml"]);
    assert!(
        said.stdout.contains("run `skymon templates accept blackbox/blackbox.yml -c other/skymon.yaml`"),
        "{}",
        said.stdout
    );
    project
        .skymon(&["templates", "accept", "blackbox/blackbox.yml", "-c", "other/skymon.yaml"])
        .expect_success();
}
