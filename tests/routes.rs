//! Where alerts go: our walk through the tree of routes is Alertmanager's own, and `validate --routes` shows it.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use skymon::checks::Check;
use skymon::promql::labels::Labels;
use skymon::source::SourceFile;
use skymon::stack::{Alertmanager, Folder, Stack};
use support::project::Project;
use support::tools;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % count as u64).expect("fits")
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const LABELS: [&str; 3] = ["severity", "team", "zone"];
const VALUES: [&str; 6] = ["critical", "warning", "a,b", "x y", "é", "crit"];
const PATTERNS: [&str; 8] =
    ["critical|warning", "crit.*", ".*", ".+", "(a,b|x y)", "[cw].+", "", "warn(ing)?"];

/// A tree in which each branch has a receiver of its own.
struct Tree {
    text: String,
    receivers: usize,
}

impl Tree {
    fn new(dice: &mut Dice) -> Tree {
        let mut tree = Tree { text: "route:\n  receiver: r0\n".to_owned(), receivers: 1 };
        tree.branches(dice, 1);
        tree.text += "receivers:\n";
        for number in 0..tree.receivers {
            writeln!(tree.text, "  - name: r{number}").expect("writes");
        }
        tree
    }

    fn branches(&mut self, dice: &mut Dice, depth: usize) {
        let count = dice.below(if depth == 1 { 6 } else { 4 });
        if count == 0 || depth > 3 {
            return;
        }
        let indent = "    ".repeat(depth);
        writeln!(self.text, "{}routes:", &indent[2..]).expect("writes");
        for _ in 0..count {
            writeln!(self.text, "{indent}- receiver: r{}", self.receivers).expect("writes");
            self.receivers += 1;
            self.conditions(dice, &indent);
            if dice.chance(25) {
                writeln!(self.text, "{indent}  continue: true").expect("writes");
            }
            self.branches(dice, depth + 1);
        }
    }

    /// In each of the ways that Alertmanager reads them.
    fn conditions(&mut self, dice: &mut Dice, indent: &str) {
        let count = dice.below(3);
        let mut texts = Vec::new();
        for _ in 0..count {
            let label = dice.one(&LABELS);
            let op = dice.one(&["=", "=", "!=", "=~", "!~"]);
            let value = if op.contains('~') { dice.one(&PATTERNS) } else { dice.one(&VALUES) };
            texts.push(match dice.below(3) {
                0 => format!("{label} {op} \"{value}\""),
                1 if value.chars().all(|c| c.is_ascii_alphanumeric()) && !value.is_empty() => {
                    format!("{label}{op}{value}")
                }
                _ => format!("{label}{op}\"{value}\""),
            });
        }
        let line = match dice.below(4) {
            _ if count == 0 => return,
            0 => format!("matchers: ['{{{}}}']", texts.join(",")),
            1 => format!("matchers: ['{}']", texts.join(", ")),
            2 => format!("match: {{{}: '{}'}}", dice.one(&LABELS), dice.one(&VALUES)),
            _ => format!("matchers: ['{}']", texts.join("', '")),
        };
        writeln!(self.text, "{indent}  {line}").expect("writes");
        if dice.chance(10) {
            let (label, pattern) = (dice.one(&LABELS), dice.one(&PATTERNS));
            writeln!(self.text, "{indent}  match_re: {{{label}: '{pattern}'}}").expect("writes");
        }
    }
}

fn labels(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("alertname".to_owned(), "Down".to_owned())]);
    for name in LABELS {
        if dice.chance(75) {
            labels.insert(name.to_owned(), dice.one(&VALUES).to_owned());
        }
    }
    labels
}

fn receivers(config: &Alertmanager, labels: &BTreeMap<String, String>) -> String {
    let name = |route: &skymon::stack::Route| route.receiver.as_ref().expect("has one").value.clone();
    config.journey(labels).into_iter().map(name).collect::<Vec<_>>().join(",")
}

#[test]
fn an_alert_goes_where_amtool_says_through_any_tree() {
    let project = Project::empty();
    let mut dice = Dice(1);
    let never = Check::find("route-never-reached").expect("is there");
    let (mut dead, mut ends) = (0, BTreeMap::new());
    for number in 0..120 {
        let tree = Tree::new(&mut dice);
        let file = format!("{number}.yml");
        project.write(&file, &tree.text);
        let config = Alertmanager::parse(SourceFile::new(&file, tree.text.as_str()));
        let files = BTreeMap::from([("alertmanager.yml".to_owned(), tree.text.clone())]);
        let stack = Stack::read(Folder::Memory { root: "".into(), files });
        let dead_here = never.findings(&stack);
        dead += dead_here.iter().count();
        for _ in 0..3 {
            let labels = labels(&mut dice);
            let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{value}\""));
            let mut args: Vec<String> =
                ["config", "routes", "test", "--config.file", &file].map(str::to_owned).into();
            args.extend(pairs);
            let said = tools::amtool(&args, &project.path("")).expect_success().stdout;
            let said = said.trim();
            assert_eq!(receivers(&config, &labels), said, "{labels:?}\n{}", tree.text);
            *ends.entry(said.matches(',').count()).or_insert(0) += 1;

            // With some of the labels unknown, the true way is among the possible ones, and what is sure is on it.
            let mut known = Labels::none();
            labels.iter().for_each(|(name, value)| known.set(name, Some(value)));
            for name in LABELS.iter().filter(|_| dice.chance(50)) {
                known.allow(name);
            }
            let possible = config.journeys(&known);
            let name = |route: &skymon::stack::Route| route.receiver.as_ref().expect("has one").value.clone();
            for one in said.split(',') {
                assert!(possible.iter().any(|end| name(end.route) == one), "{known:?}\n{}", tree.text);
                // What is never reached is no alert's end.
                let is_dead = dead_here.iter().any(|finding| finding.message.contains(&format!("`{one}`")));
                assert!(!is_dead, "{one} is reached by {labels:?}\n{}", tree.text);
            }
            for sure in possible.iter().filter(|end| end.is_sure) {
                assert!(said.split(',').any(|one| one == name(sure.route)), "{known:?}\n{}", tree.text);
            }
        }
    }
    // The trees are worth the while.
    assert!(ends.len() > 2 && dead > 20, "{ends:?} ends, {dead} branches never reached");
}
