//! Everything that stands in a piece of a file, for checks that look at values wherever they are.

use crate::source::Node;

/// Deeper than this no program reads anything.
const MAX_DEPTH: usize = 16;

/// Visits each single value, with the keys that lead to it: the items of a list have those of the list.
pub(crate) fn each_value(root: &Node, visit: &mut dyn FnMut(&[String], &Node)) {
    walk(root, &mut Vec::new(), 0, visit);
}

fn walk(node: &Node, keys: &mut Vec<String>, depth: usize, visit: &mut dyn FnMut(&[String], &Node)) {
    if depth > MAX_DEPTH {
        return;
    }
    if node.text().is_some() {
        visit(keys, node);
    }
    for (key, value) in node.entries() {
        keys.push(key.value);
        walk(&value, keys, depth + 1, visit);
        keys.pop();
    }
    for item in node.items() {
        walk(&item, keys, depth + 1, visit);
    }
}
