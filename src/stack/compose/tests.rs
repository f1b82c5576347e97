//! What compose makes of several files, asked of the view. The real program is the judge in `tests/compose.rs`.

use super::*;
use crate::source::SourceFile;
use crate::stack::folder::Kind;

/// Files by their names.
struct Texts(BTreeMap<&'static str, &'static str>);

impl Files for Texts {
    fn yaml(&mut self, path: &str) -> Option<Arc<Document>> {
        self.0.get(path).map(|text| Document::yaml(SourceFile::new(path, *text)).0)
    }

    fn plain(&mut self, path: &str) -> Option<Arc<Document>> {
        self.0.get(path).map(|text| Document::plain(SourceFile::new(path, *text)))
    }

    fn kind(&self, path: &str) -> Kind {
        if self.0.contains_key(path) { Kind::File } else { Kind::Missing }
    }
}

fn compose(texts: &[&str], files: &[(&'static str, &'static str)]) -> Compose {
    let document = |text: &&str| Document::yaml(SourceFile::new("c.yml", *text)).0;
    let documents: Vec<_> = texts.iter().map(document).collect();
    let mut files = Texts(files.iter().copied().collect());
    Compose::read(&documents, "", "TAG=v3\n", &mut files).0
}

#[test]
fn files_of_a_project_are_merged_as_compose_does() {
    let base = "services:\n  p:\n    image: prom/prometheus:${TAG}\n    command: [--a=1]\n    volumes: [x:/a, y:/b]\n    environment: [A=1, B=2]\n    dns: [a]\n";
    let over = "services:\n  p:\n    command: [--a=2]\n    volumes: [z:/b]\n    environment: {B: 3}\n    ports: ['1:1']\n    dns: !reset []\n  q: {image: x}\n";
    let compose = compose(&[base, over], &[]);
    let service = compose.service("p").expect("is there");
    assert_eq!(service.program, Some(Program::Prometheus));
    assert_eq!(service.image.as_ref().unwrap().tag.as_deref(), Some("v3"));
    assert_eq!(service.flag("a").unwrap().value, "2");
    assert_eq!(service.origin("/b/c"), Some(Origin::Volume(Some("z".into()))));
    let values: Vec<&str> =
        service.environment.iter().map(|one| one.value.as_ref().unwrap().as_str()).collect();
    assert_eq!(values, ["1", "3"]);
    assert_eq!((service.ports.len(), compose.services.len()), (1, 2));
    assert!(service.get("dns").is_none());
}

#[test]
fn what_a_service_extends_and_merges_is_its_own() {
    let text = "x-base: &base\n  restart: always\nservices:\n  a: {<<: *base, image: one, extends: {service: b}}\n  b: {image: two, user: '1', extends: a}\n";
    let compose = compose(&[text], &[]);
    let a = compose.service("a").expect("is there");
    assert_eq!(a.image.as_ref().unwrap().repository, "one");
    assert_eq!(a.restart.as_ref().unwrap().value, "always");
    assert_eq!(a.user.as_ref().unwrap().value, "1");
}

#[test]
fn what_a_file_includes_or_extends_is_relative_to_its_own_folder() {
    let files = [
        ("sub/c.yml", "services:\n  b: {image: 'x:${V}', env_file: e, volumes: ['./d:/d']}\n"),
        ("sub/.env", "V=2\n"),
        ("sub/e", "A=1\nB=2\n"),
        ("base/f.yml", "services:\n  one: {image: y, volumes: ['./d:/d']}\n"),
    ];
    let text = "include: [sub/c.yml, none.yml]\nservices:\n  a: {extends: {file: base/f.yml, service: one}, env_file: [{path: no, required: false}, gone]}\n";
    let compose = compose(&[text], &files);
    let b = compose.service("b").expect("is included");
    assert_eq!(b.image.as_ref().unwrap().tag.as_deref(), Some("2"));
    assert_eq!(b.origin("/d"), Some(Origin::Host("sub/d".into())));
    assert_eq!(format!("{:?}", b.variable("B").unwrap().name.at), "sub/e:2:1");
    let a = compose.service("a").expect("is there");
    assert_eq!(a.origin("/d"), Some(Origin::Host("base/d".into())));
    assert!(a.has_unread_variables && !b.has_unread_variables);
    let missing: Vec<String> =
        compose.missing.iter().map(|one| format!("{} {}", one.key, one.path.value)).collect();
    assert_eq!(missing, ["include none.yml", "env_file gone"]);
}

#[test]
fn files_in_a_circle_come_to_an_end() {
    let files = [(
        "a.yml",
        "include: [a.yml, a.yml]\nservices: {s: {image: x, extends: {file: a.yml, service: s}}}\n",
    )];
    let compose = compose(&["include: [a.yml]\n"], &files);
    assert!(compose.service("s").is_some());
}

#[test]
fn secrets_and_configs_are_where_compose_puts_them() {
    let text = "services:\n  a:\n    image: x\n    secrets: [k, {source: l, target: /etc/l}]\n    configs: [{source: c, target: /etc/c}]\nsecrets:\n  k: {file: ./secrets/k}\n  l: {environment: L}\nconfigs:\n  c:\n    content: |\n      a: $$1\n";
    let compose = compose(&[text], &[]);
    let a = compose.service("a").expect("is there");
    assert_eq!(a.origin("/run/secrets/k"), Some(Origin::Host("secrets/k".into())));
    assert_eq!(a.origin("/etc/l"), Some(Origin::Memory));
    assert_eq!(a.origin("/etc/m"), None);
    let Some(Origin::Inline(name)) = a.origin("/etc/c") else { panic!("stands in the file") };
    let inside = &compose.inline()[&name].root().get("a").unwrap().value().unwrap();
    assert_eq!((inside.as_str(), format!("{:?}", inside.at)), ("$1", "c.yml:12:10".to_owned()));
}
