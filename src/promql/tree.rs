//! What an expression of PromQL is made of, and how it is written out again.

use std::fmt;
use std::time::Duration;

use super::matcher::Matcher;
use crate::values;

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Number(f64),
    Text(String),
    Vector(VectorSelector),
    /// A selector with a range: `x[5m]`.
    Matrix(MatrixSelector),
    Subquery(Subquery),
    Call(Call),
    Aggregate(Aggregation),
    Binary(Binary),
    /// With a minus before it.
    Negative(Box<Expr>),
    /// In parentheses.
    Paren(Box<Expr>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorSelector {
    pub name: Option<String>,
    /// The conditions in the braces.
    pub matchers: Vec<Matcher>,
    pub when: When,
}

/// Where a selector or a subquery looks, where that is not now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    pub offset: Option<Offset>,
    pub at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    pub is_ahead: bool,
    pub length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    Start,
    End,
    /// Seconds since 1970.
    Time(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    pub selector: VectorSelector,
    pub range: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Box<Expr>,
    pub range: Duration,
    pub step: Option<Duration>,
    pub when: When,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: &'static str,
    pub args: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    pub name: &'static str,
    /// The number of `topk`, the label of `count_values`.
    pub param: Option<Box<Expr>>,
    pub expr: Box<Expr>,
    pub grouping: Option<Grouping>,
}

/// A choice of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// `by`, `on`.
    These(Vec<String>),
    /// `without`, `ignoring`.
    AllBut(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: Op,
    pub left: Box<Expr>,
    pub right: Box<Expr>,
    pub matching: Matching,
}

/// How the series of two sides find each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    pub is_bool: bool,
    pub on: Option<Grouping>,
    pub group: Option<Group>,
    /// Whether a side that has no partner gets a number: `fill (0)`.
    pub fills: bool,
}

/// The side that may have many series for one of the other, and the labels that it takes over from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    Left(Vec<String>),
    Right(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Or,
    And,
    Unless,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Atan2,
    Power,
}

impl Op {
    const ALL: [(Op, &'static str); 16] = [
        (Op::Or, "or"),
        (Op::And, "and"),
        (Op::Unless, "unless"),
        (Op::Equal, "=="),
        (Op::NotEqual, "!="),
        (Op::Less, "<"),
        (Op::LessOrEqual, "<="),
        (Op::Greater, ">"),
        (Op::GreaterOrEqual, ">="),
        (Op::Add, "+"),
        (Op::Subtract, "-"),
        (Op::Multiply, "*"),
        (Op::Divide, "/"),
        (Op::Modulo, "%"),
        (Op::Atan2, "atan2"),
        (Op::Power, "^"),
    ];

    pub(super) fn read(word: &str) -> Option<Op> {
        Self::ALL.into_iter().find(|(_, sign)| sign.eq_ignore_ascii_case(word)).map(|(op, _)| op)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    pub fn is_set(self) -> bool {
        matches!(self, Op::Or | Op::And | Op::Unless)
    }

    pub fn is_comparison(self) -> bool {
        (Op::Equal as usize..=Op::GreaterOrEqual as usize).contains(&(self as usize))
    }

    /// How strongly it binds.
    pub(super) fn strength(self) -> u8 {
        match self {
            Op::Or => 1,
            Op::And | Op::Unless => 2,
            Op::Add | Op::Subtract => 4,
            Op::Multiply | Op::Divide | Op::Modulo | Op::Atan2 => 5,
            Op::Power => 6,
            _ => 3,
        }
    }
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Scalar,
    Vector,
    Matrix,
    Text,
    /// What a function gives that is not known.
    Any,
}

impl Type {
    /// Whether it is what a rule can have, and what can be calculated with.
    pub fn is_value(self) -> bool {
        !matches!(self, Type::Matrix | Type::Text)
    }
}

impl Call {
    pub(super) fn gives(&self) -> Type {
        match self.name {
            "end" | "pi" | "range" | "scalar" | "start" | "step" | "time" => Type::Scalar,
            _ => Type::Vector,
        }
    }
}

impl Expr {
    pub fn gives(&self) -> Type {
        match self {
            Expr::Number(_) => Type::Scalar,
            Expr::Text(_) => Type::Text,
            Expr::Vector(_) | Expr::Aggregate(_) => Type::Vector,
            Expr::Matrix(_) | Expr::Subquery(_) => Type::Matrix,
            Expr::Call(call) => call.gives(),
            Expr::Binary(one) => match (one.left.gives(), one.right.gives()) {
                (Type::Scalar, Type::Scalar) => Type::Scalar,
                _ => Type::Vector,
            },
            Expr::Negative(inner) | Expr::Paren(inner) => inner.gives(),
        }
    }
}

// As Prometheus itself writes it.

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(number) => write_number(f, *number),
            Expr::Text(text) => write!(f, "{text:?}"),
            Expr::Vector(selector) => write!(f, "{}{}", selector.series(), selector.when),
            Expr::Matrix(one) => {
                write!(f, "{}[{}]{}", one.selector.series(), time(one.range), one.selector.when)
            }
            Expr::Subquery(one) => {
                let step = one.step.map(|step| time(step).to_string()).unwrap_or_default();
                write!(f, "{}[{}:{step}]{}", one.expr, time(one.range), one.when)
            }
            Expr::Call(call) => {
                let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
                write!(f, "{}({})", call.name, args.join(", "))
            }
            Expr::Aggregate(one) => {
                f.write_str(one.name)?;
                match &one.grouping {
                    Some(Grouping::These(labels)) => write!(f, " by ({}) ", labels.join(", "))?,
                    Some(Grouping::AllBut(labels)) => write!(f, " without ({}) ", labels.join(", "))?,
                    None => {}
                }
                let param = one.param.as_ref().map(|param| format!("{param}, ")).unwrap_or_default();
                write!(f, "({param}{})", one.expr)
            }
            Expr::Binary(one) => write!(f, "{} {}{} {}", one.left, one.op, one.matching, one.right),
            Expr::Negative(inner) => write!(f, "-{inner}"),
            Expr::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl VectorSelector {
    /// All series of a name.
    pub fn of(name: &str) -> VectorSelector {
        VectorSelector { name: Some(name.to_owned()), ..VectorSelector::default() }
    }

    /// Which series it asks for, whenever.
    fn series(&self) -> String {
        let is_plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:".contains(&b));
        let name = self.name.as_deref().unwrap_or_default();
        let quoted = Some(name).filter(|name| !is_plain(name)).map(|name| format!("{name:?}"));
        let before = if quoted.is_some() { "" } else { name };
        let mut inside: Vec<String> =
            quoted.into_iter().chain(self.matchers.iter().map(ToString::to_string)).collect();
        inside.sort();
        if inside.is_empty() { before.to_owned() } else { format!("{before}{{{}}}", inside.join(", ")) }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Time(seconds)) => write!(f, " @ {seconds:.3}")?,
            None => {}
        }
        match self.offset {
            Some(Offset { is_ahead, length }) => {
                write!(f, " offset {}{}", if is_ahead { "-" } else { "" }, time(length))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bool {
            f.write_str(" bool")?;
        }
        match &self.on {
            Some(Grouping::These(labels)) => write!(f, " on ({})", labels.join(", "))?,
            Some(Grouping::AllBut(labels)) => write!(f, " ignoring ({})", labels.join(", "))?,
            None => {}
        }
        self.group.iter().try_for_each(|group| write!(f, " {group}"))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Left(labels) => write!(f, "group_left ({})", labels.join(", ")),
            Group::Right(labels) => write!(f, "group_right ({})", labels.join(", ")),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number as PromQL writes it.
fn write_number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    match number {
        f64::INFINITY => f.write_str("Inf"),
        f64::NEG_INFINITY => f.write_str("-Inf"),
        number => write!(f, "{number}"),
    }
}

fn time(length: Duration) -> values::Duration {
    length.into()
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    /// With parentheses around everything that is calculated.
    fn shown(expr: &Expr) -> String {
        match expr {
            Expr::Binary(one) => format!("({} {} {})", shown(&one.left), one.op, shown(&one.right)),
            Expr::Negative(inner) => format!("(-{})", shown(inner)),
            Expr::Paren(inner) => shown(inner),
            other => other.to_string(),
        }
    }

    #[test]
    fn operators_bind_as_in_prometheus() {
        for (text, expected) in [
            ("a + b * c", "(a + (b * c))"),
            ("a - b - c", "((a - b) - c)"),
            ("a / b * c % d", "(((a / b) * c) % d)"),
            ("a ^ b ^ c", "(a ^ (b ^ c))"),
            ("-a ^ b", "(-(a ^ b))"),
            ("-a * b", "((-a) * b)"),
            ("a * -b", "(a * (-b))"),
            ("a ^ -b", "(a ^ (-b))"),
            ("a > b + c", "(a > (b + c))"),
            ("a == b > c", "((a == b) > c)"),
            ("a or b and c", "(a or (b and c))"),
            ("a and b or c unless d", "((a and b) or (c unless d))"),
            ("a atan2 b + c", "((a atan2 b) + c)"),
            ("(a + b) * c", "((a + b) * c)"),
            ("a OR b", "(a or b)"),
        ] {
            let tree = tree(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(shown(&tree), expected, "{text}");
        }
    }

    #[test]
    fn an_expression_is_written_as_it_was_read() {
        for text in [
            "1.5",
            "-3",
            "Inf",
            "x",
            "x{a=\"b\", c=~\"d|e\", f!=\"\", g!~\"h.*\"}",
            "{__name__=\"x\"}",
            "{\"a.b\", c=\"d\"}",
            "x[5m]",
            "x[1h30m] @ end() offset 1d",
            "x @ 12.500 offset -5m",
            "max_over_time(rate(x[5m])[1h:1m])",
            "sum by (a, b) (x)",
            "count without () (x)",
            "topk by (a) (3, x)",
            "count_values(\"v\", x)",
            "a / on (b) group_left (c) d",
            "a > bool ignoring (b) group_right () c",
            "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\\\\.c\")",
            "-(a + b)",
            "time()",
        ] {
            assert_eq!(tree(text).map(|tree| tree.to_string()).as_deref(), Some(text));
        }
        // What is written in several ways is read as one.
        for (text, same) in [
            ("0x1F + 1_000", "31 + 1000"),
            ("SUM(x) BY (a)", "sum by (a) (x)"),
            ("x{'c'=`d`, a=\"b\",}", "x{a=\"b\", c=\"d\"}"),
            ("rate(x[300]) # a comment", "rate(x[5m])"),
            ("+x", "x"),
            ("5m", "300"),
        ] {
            assert_eq!(tree(text).map(|tree| tree.to_string()).as_deref(), Some(same), "{text}");
        }
    }

    #[test]
    fn what_an_expression_gives_is_known_without_reading_it_again() {
        for (text, gives) in [
            ("1 + 2", Type::Scalar),
            ("scalar(x) * time()", Type::Scalar),
            ("-(x)", Type::Vector),
            ("1 > bool x", Type::Vector),
            ("x[5m] offset 1m", Type::Matrix),
            ("\"a\"", Type::Text),
            ("avg(x)", Type::Vector),
            ("vector(1)", Type::Vector),
        ] {
            assert_eq!(tree(text).map(|tree| tree.gives()), Some(gives), "{text}");
        }
    }

    #[test]
    fn what_is_not_wholly_known_has_no_tree() {
        for text in ["x[5m + 1m]", "nosuch(x)", "x offset nan", "x[step()]"] {
            assert!(tree(text).is_none(), "{text}");
        }
    }
}
