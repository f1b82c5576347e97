//! Tests of the index, apart from it for length: places in every form of YAML, duplicates, and hostile input.

use std::time::{Duration, Instant};

use super::*;
use crate::diagnostics::Place;

fn index(text: &str) -> (SourceFile, SpanIndex, Vec<Diagnostic>) {
    let file = SourceFile::new("skymon.yaml", text);
    let (index, diagnostics) = SpanIndex::new(&file);
    (file, index, diagnostics)
}

fn path(steps: &str) -> ConfigPath {
    steps.split('.').filter(|step| !step.is_empty()).fold(ConfigPath::root(), |path, step| {
        step.parse().map_or_else(|_| path.key(step), |item| path.item(item))
    })
}

#[test]
fn every_form_of_yaml_has_exact_places() {
    let text = "# é\r\ntop:\r\n  é: {b: \"q\", 'c d': [x, *a]}\r\n".replace("*a", "y")
        + "list:\n  - one\n  -\n  - k: &a {deep: 1}\nalias: *a\nempty:\nblock: |\n  text\nkey: !!str 5\nflow: {x, y: }\n";
    let (file, index, diagnostics) = index(&text);
    assert_eq!(diagnostics, []);
    let cases = [
        ("top", "top", "é: {b: \"q\", 'c d': [x, y]}"),
        ("top.é", "é", "{b: \"q\", 'c d': [x, y]}"),
        ("top.é.b", "b", "\"q\""),
        ("top.é.c d", "'c d'", "[x, y]"),
        ("top.é.c d.1", "", "y"),
        ("list", "list", "- one\n  -\n  - k: &a {deep: 1}"),
        ("list.0", "", "one"),
        ("list.1", "", ""),
        ("list.2.k", "k", "{deep: 1}"),
        ("list.2.k.deep", "deep", "1"),
        ("alias", "alias", "*a"),
        ("alias.deep", "deep", "1"),
        ("empty", "empty", "empty"),
        ("key", "key", "5"),
        ("flow.x", "x", "x"),
        ("flow.y", "y", "y"),
    ];
    for (steps, key, value) in cases {
        let path = path(steps);
        assert_eq!(index.key_span(&path).map_or("", |range| &file.text[range]), key, "key of {steps}");
        assert_eq!(&file.text[index.value_span(&path).unwrap()], value, "value of {steps}");
        assert!(matches!(index.locate(&path), Located::Exact(_)));
    }
    assert_eq!(index.found(&path("empty")), Some(Found::Nothing));
    assert_eq!(index.found(&path("alias")), Some(Found::Map));
    assert_eq!(index.keys_under(&path("top.é")), ["b", "c d"]);
    assert_eq!(index.keys_under(&path("alias")), ["deep"]);
    assert_eq!(index.items_under(&path("list")), 3);
}

#[test]
fn a_path_that_does_not_exist_is_located_at_its_nearest_parent() {
    let (file, index, _) = index("a:\n  b: 1\n");
    let Located::Nearest(parent, spans) = index.locate(&path("a.c.d")) else { panic!() };
    assert_eq!((parent, &file.text[spans.key.unwrap()]), (path("a"), "a"));
    assert!(!index.contains(&path("a.c")));
    let (_, empty, diagnostics) = self::index("# nothing\n");
    assert!(matches!(empty.locate(&path("a")), Located::Nearest(_, _)));
    assert!(diagnostics.is_empty() && empty.is_complete() && !empty.contains(&path("")));
}

#[test]
fn every_duplicate_is_reported_with_both_places() {
    let text = "é: 1\nr:\n  ops: {a: 1}\n  ops: {b: 1, b: 2}\n  ops: 3\né:\n  - x: 1\n    x: [2]\n";
    let (file, _, diagnostics) = index(text);
    let places: Vec<_> = diagnostics
        .iter()
        .map(|one| {
            let place = |at: usize| match &one.labels[at].place {
                Place::Span { range, .. } => file.line_column(range.start),
                _ => panic!(),
            };
            (one.message.as_str(), place(0), place(1))
        })
        .collect();
    let expected = [
        ("`r.ops` is defined twice", (4, 3), (3, 3)),
        ("`r.ops.b` is defined twice", (4, 15), (4, 9)),
        ("`r.ops` is defined twice", (5, 3), (3, 3)),
        ("`é` is defined twice", (6, 1), (1, 1)),
        ("`é[0].x` is defined twice", (8, 5), (7, 5)),
    ];
    assert_eq!(places, expected);
}

#[test]
fn of_many_duplicates_the_first_of_the_file_are_reported_and_the_first_of_each_counts() {
    let inner = |from: usize| {
        (from..from + 150).fold(String::new(), |text, at| format!("{text}  k{at}: 1\n  k{at}: 2\n"))
    };
    let text = format!("a:\n{}b: 1\na: 3\nc:\n{}a: [\n", inner(0), inner(150));
    let (file, index, diagnostics) = index(&text);
    let lines: Vec<usize> = diagnostics
        .iter()
        .map(|one| match &one.labels[0].place {
            Place::Span { range, .. } => file.line_column(range.start).0,
            _ => panic!(),
        })
        .collect();
    let (last, duplicates) = lines.split_last().unwrap();
    assert_eq!((duplicates.len(), diagnostics[200].id, *last), (200, "yaml-syntax", file.line_count()));
    assert!(duplicates.is_sorted());
    assert_eq!((&diagnostics[150].message[..], duplicates[150]), ("`a` is defined twice", 303));
    assert_eq!(&diagnostics[151].message, "`c.k150` is defined twice");
    assert_eq!(index.keys_under(&path("")), ["a", "b", "c"]);
    assert_eq!(&file.text[index.value_span(&path("a.k3")).unwrap()], "1");
}

#[test]
fn hostile_input_ends_in_a_message_and_soon() {
    let million = 1_000_000;
    let bomb = (1..40).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(2000), "*a, ".repeat(2000));
    let block = (0..100).fold(String::new(), |text, level| format!("{text}{}a:\n", " ".repeat(level)));
    let cases: Vec<(&str, String, &str)> = vec![
        ("open lists", "[".repeat(10 * million), "too-deep"),
        ("open maps", "{".repeat(million), "too-deep"),
        ("open map keys", "{a: ".repeat(million), "too-deep"),
        ("dashes", "- ".repeat(million), "too-deep"),
        ("questions", "? ".repeat(million), "key-not-text"),
        ("block levels", block, "too-deep"),
        ("billion laughs", bomb, "too-many-aliases"),
        ("quadratic aliases", wide, "too-many-aliases"),
        ("alias loop", "a: &a [*a]\n".into(), "alias-loop"),
        ("endless flow", format!("a: [{}", "x, ".repeat(million)), "too-large"),
        ("endless flow map", format!("a: {{{}", "x, ".repeat(100_000)), "yaml-syntax"),
        ("many items", "- x\n".repeat(million), "too-large"),
        ("tabs", "\t".repeat(million), ""),
        ("tabs under a key", format!("a:\n{}b", "\t".repeat(million)), "yaml-syntax"),
        ("one long word", "x".repeat(million), ""),
        ("one long key", format!("{}: 1", "x".repeat(million)), "yaml-syntax"),
        ("open quote", format!("a: \"{}", "é\n".repeat(million)), "yaml-syntax"),
        ("many anchors", "&a ".repeat(million), "yaml-syntax"),
        ("many tags", "!a ".repeat(million), "yaml-syntax"),
        ("colons", ":".repeat(million), "yaml-syntax"),
        ("colon spaces", ": ".repeat(million), "too-deep"),
        ("documents", "---\n".repeat(million), "more-than-one-document"),
        ("directives", "%YAML 1.2\n".repeat(million), "yaml-syntax"),
        ("list as key", "? [a]\n: b\n".into(), "key-not-text"),
        ("comments", "#\n".repeat(million), ""),
        ("block scalar", format!("a: |\n{}", " x\n".repeat(million)), ""),
        ("newlines in a plain word", "x\n".repeat(million), ""),
    ];
    for (name, text, id) in cases {
        let start = Instant::now();
        let (_, index, diagnostics) = index(&text);
        let last = diagnostics.last().map_or("", |one| one.id);
        if std::env::var_os("SHOW_TIMES").is_some() {
            println!("{name}: {:?} {last} {:?}", start.elapsed(), diagnostics.last().map(|one| &one.message));
        }
        assert_eq!(last, id, "{name}: {:?}", diagnostics.last().map(|one| &one.message));
        assert!(index.is_complete() || !id.is_empty(), "{name}");
        // Unoptimised builds are some ten times slower than what users run.
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
        if std::env::var_os("SHOW_TIMES").is_some() {
            println!("{name}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn random_input_never_panics() {
    let alphabet: Vec<char> = "ab:- \n\t[]{},&*!|>'\"#%@?é~0.<=\r\\\u{85}\u{2028}".chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).expect("small")
    };
    for _ in 0..20_000 {
        let text: String = (0..next() % 60).map(|_| alphabet[next() % alphabet.len()]).collect();
        let (file, index, diagnostics) = index(&text);
        for one in &diagnostics {
            let Place::Span { range, .. } = &one.labels[0].place else { panic!() };
            assert!(file.text.get(range.clone()).is_some(), "{text:?} {range:?}");
        }
        for key in index.keys_under(&ConfigPath::root()) {
            let range = index.value_span(&ConfigPath::root().key(key)).unwrap();
            assert!(file.text.get(range).is_some(), "{text:?}");
        }
    }
}
