//! Go's templates, as far as one needs to tell whether Prometheus or Alertmanager will take one, and what it asks for: labels,
//! functions, other templates. Values are not computed.
//!
//! A fault is only what Go itself refuses, or what cannot but fail when the template is executed.

use std::ops::Range;

use crate::diagnostics::nearest;

mod lexer;
#[cfg(test)]
mod tests;

use lexer::{Token, What};

/// Who executes a template: what it may ask for, as lists of words.
pub struct Language {
    program: &'static str,
    /// Beside those of every Go template.
    functions: &'static str,
    /// Those that the program has not always had, each with its first version.
    younger: &'static str,
    /// Of other programs that read the same files: nothing is said of these.
    foreign: &'static str,
    variables: &'static str,
    /// What the dot has at the top.
    fields: &'static str,
}

impl Language {
    fn has_labels(&self) -> bool {
        words(self.variables).any(|name| name == "$labels")
    }
}

/// Labels and annotations of rules.
pub const PROMETHEUS: Language = Language {
    program: "Prometheus",
    functions: "args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage \
        humanizeTimestamp label match now parseDuration pathPrefix query reReplaceAll safeHtml \
        sortByLabel stripDomain stripPort strvalue tableLink title tmpl toDuration toLower toTime \
        toUpper urlQueryEscape value",
    younger: "humanizePercentage:2.11 now:3.6 parseDuration:2.32 stripDomain:2.36 stripPort:2.33 toDuration:3.6 \
        toTime:2.38 urlQueryEscape:3.8",
    // Those of vmalert and of Loki's ruler.
    foreign: "crlfEscape formatTime htmlEscape jsonEscape parseDurationTime pathEscape queryEscape \
        quotesEscape",
    variables: "$ $externalLabels $externalURL $labels $value",
    fields: "ExternalLabels ExternalURL Labels Value",
};

/// Fields of notifications and template files.
pub const ALERTMANAGER: Language = Language {
    program: "Alertmanager",
    functions: "append base64decode base64encode date dict humanizeDuration join list match mustToDate now \
        reReplaceAll routeLabels safeHtml safeUrl since stringSlice title toDate toJson toLower toUpper \
        trimSpace tz urlUnescape",
    younger: "append:0.32 base64decode:0.34 base64encode:0.34 date:0.28 dict:0.32 humanizeDuration:0.28 list:0.32 \
        mustToDate:0.34 now:0.33 routeLabels:0.34 safeUrl:0.30 since:0.28 stringSlice:0.20 toDate:0.34 toJson:0.30 \
        trimSpace:0.26 tz:0.28 urlUnescape:0.30",
    // Those of Grafana's own Alertmanager and of Mimir's.
    foreign: "grafanaExploreURL queryFromGeneratorURL tmpl humanize humanize1024 humanizePercentage",
    variables: "$",
    fields: "Alerts CommonAnnotations CommonLabels ExternalURL GroupKey GroupLabels NotificationReason \
        Receiver RouteLabels Status TruncatedAlerts",
};

/// The functions of every Go template.
const BUILTIN: &str = "and call eq ge gt html index js le len lt ne not or print printf println slice urlquery \
     true false";

/// What a template does, in order.
#[derive(Debug, Default)]
pub struct Template {
    pub actions: Vec<Action>,
}

/// One `{{ … }}`.
#[derive(Debug)]
pub struct Action {
    pub kind: Kind,
    pub terms: Vec<Term>,
    /// Whether the dot is what the template was given, and not what `range` or `with` made of it.
    pub is_top: bool,
    /// The whole, braces and all.
    pub range: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its value becomes text.
    Print,
    /// `if`, `else if`, `with`, `range`.
    Control,
    /// `$x := …`
    Assign,
    /// `template "name" …`, `block "name" …`
    Call(String),
    /// `define "name"`
    Define(String),
}

/// Something that an action asks for.
#[derive(Debug)]
pub struct Term {
    pub base: Base,
    /// `.Labels.job` → `Labels`, `job`
    pub fields: Vec<String>,
    pub range: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Base {
    Dot,
    /// With its `$`; `$` alone is what the template was given.
    Variable(String),
    Function(String),
    /// A string in quotes, without them.
    Text(String),
    /// A number, a bracket, a result in brackets.
    Other,
}

/// Why a template will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub range: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { range, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }
}

/// The first function of a template that a version of the program does not have yet.
pub fn younger(template: &Template, language: &Language, version: (u32, u32)) -> Option<Fault> {
    let since = |name: &str| {
        let mut known = words(language.younger).filter_map(|one| one.split_once(':'));
        let (major, minor) = known.find(|(known, _)| *known == name)?.1.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    template.actions.iter().flat_map(|action| &action.terms).find_map(|term| {
        let Base::Function(name) = &term.base else { return None };
        let (major, minor) = since(name).filter(|since| version < *since)?;
        let program = language.program;
        let message = format!(
            "`{name}` is a function of {program} from {major}.{minor} on, and here runs {}.{}",
            version.0, version.1
        );
        let help =
            format!("run an image of {program} from `v{major}.{minor}.0` on, or write it without `{name}`");
        Some(Fault::new(term.range.clone(), message).help(help))
    })
}

/// A longer text is nobody's: of it nothing is said.
const MAX_BYTES: usize = 128 * 1024;

/// Reads a template up to its first fault.
pub fn read(text: &str, language: &Language) -> (Template, Option<Fault>) {
    if text.len() > MAX_BYTES {
        return (Template::default(), None);
    }
    let mut reader = Reader {
        language,
        template: Template::default(),
        blocks: Vec::new(),
        variables: words(language.variables).map(str::to_owned).collect(),
    };
    let fault = reader.text(text).err();
    (reader.template, fault)
}

/// What an `end` closes.
struct Block {
    word: String,
    range: Range<usize>,
    /// How many variables there were before it.
    variables: usize,
    /// Whether the dot is still what the template was given: inside, and in an `else`.
    is_top: bool,
    is_top_outside: bool,
    has_else: bool,
}

struct Reader<'l> {
    language: &'l Language,
    template: Template,
    blocks: Vec<Block>,
    variables: Vec<String>,
}

impl Reader<'_> {
    fn text(&mut self, text: &str) -> Result<(), Fault> {
        for action in lexer::actions(text)? {
            self.action(&action.tokens, action.range)?;
        }
        match self.blocks.pop() {
            Some(open) => Err(Fault::new(open.range, format!("`{}` has no `{{{{ end }}}}`", open.word))
                .help("close it with `{{ end }}`")),
            None => Ok(()),
        }
    }

    fn is_top(&self) -> bool {
        self.blocks.last().is_none_or(|block| block.is_top)
    }

    fn action(&mut self, tokens: &[Token], range: Range<usize>) -> Result<(), Fault> {
        let Some(first) = tokens.first() else {
            return Err(Fault::new(range, "`{{ }}` holds nothing")
                .help("write what is to be printed, or take it away"));
        };
        let What::Word(word) = &first.what else { return self.print(tokens, range) };
        match word.as_str() {
            "end" => self.end(range),
            "else" => self.otherwise(&tokens[1..], range),
            "if" | "with" | "range" => {
                self.open(word, &range);
                self.pipeline(&tokens[1..], Kind::Control, &range)?;
                self.enter(word);
                Ok(())
            }
            "define" => {
                let name = quoted(tokens.get(1)).ok_or_else(|| unnamed(word, &range))?;
                self.template.actions.push(self.made(Kind::Define(name), Vec::new(), &range));
                self.open(word, &range);
                // Its dot is what it is called with, and no variable of outside is seen in it.
                self.enter("with");
                Ok(())
            }
            "template" | "block" => {
                let name = quoted(tokens.get(1)).ok_or_else(|| unnamed(word, &range))?;
                let kind = Kind::Call(name);
                if tokens.len() > 2 {
                    self.pipeline(&tokens[2..], kind, &range)?;
                } else {
                    self.template.actions.push(self.made(kind, Vec::new(), &range));
                }
                if word == "block" {
                    self.open(word, &range);
                    self.enter("with");
                }
                Ok(())
            }
            "break" | "continue" if tokens.len() == 1 => {
                if self.blocks.iter().any(|block| block.word == "range") {
                    return Ok(());
                }
                Err(Fault::new(range, format!("`{word}` stands outside of a `range`")).help("take it away"))
            }
            _ => self.print(tokens, range),
        }
    }

    fn open(&mut self, word: &str, range: &Range<usize>) {
        let is_top = self.is_top();
        self.blocks.push(Block {
            word: word.to_owned(),
            range: range.clone(),
            variables: self.variables.len(),
            is_top,
            is_top_outside: is_top,
            has_else: false,
        });
    }

    /// The body of a block begins, after its own pipeline was read.
    fn enter(&mut self, word: &str) {
        if let Some(block) = self.blocks.last_mut().filter(|_| word != "if") {
            block.is_top = false;
        }
    }

    fn end(&mut self, range: Range<usize>) -> Result<(), Fault> {
        let Some(block) = self.blocks.pop() else {
            return Err(Fault::new(range, "`{{ end }}` closes nothing")
                .help("take it away, or write the `{{ if … }}` that it belongs to"));
        };
        self.variables.truncate(block.variables);
        Ok(())
    }

    fn otherwise(&mut self, rest: &[Token], range: Range<usize>) -> Result<(), Fault> {
        let Some(block) = self
            .blocks
            .last_mut()
            .filter(|block| !block.has_else && matches!(block.word.as_str(), "if" | "with" | "range"))
        else {
            return Err(Fault::new(range, "`{{ else }}` belongs to nothing")
                .help("take it away, or write the `{{ if … }}` that it belongs to"));
        };
        block.is_top = block.is_top_outside;
        match rest.first().map(|token| &token.what) {
            None => {
                block.has_else = true;
                Ok(())
            }
            Some(What::Word(word)) if matches!(word.as_str(), "if" | "with") => {
                let word = word.clone();
                self.pipeline(&rest[1..], Kind::Control, &range)?;
                self.enter(&word);
                Ok(())
            }
            // `{{ else … }}`: what else there may come to be.
            Some(_) => Ok(()),
        }
    }

    fn print(&mut self, tokens: &[Token], range: Range<usize>) -> Result<(), Fault> {
        self.pipeline(tokens, Kind::Print, &range)
    }

    /// `$x := a | b c`, and what it makes of it.
    fn pipeline(&mut self, tokens: &[Token], kind: Kind, range: &Range<usize>) -> Result<(), Fault> {
        let is_target = |token: &&Token| {
            matches!(&token.what, What::Variable(_, fields) if fields.is_empty()) || token.what == What::Comma
        };
        let count = tokens.iter().take_while(is_target).count();
        let (targets, kind, tokens) = match tokens.get(count).map(|token| &token.what) {
            Some(What::Declare | What::Assign) if count > 0 => {
                let kind = if kind == Kind::Print { Kind::Assign } else { kind };
                (&tokens[..count], kind, &tokens[count + 1..])
            }
            _ => (&tokens[..0], kind, tokens),
        };
        let terms = self.commands(tokens, range)?;
        for target in targets {
            if let What::Variable(name, _) = &target.what {
                self.variables.push(name.clone());
            }
        }
        self.template.actions.push(self.made(kind, terms, range));
        Ok(())
    }

    fn made(&self, kind: Kind, terms: Vec<Term>, range: &Range<usize>) -> Action {
        Action { kind, terms, is_top: self.is_top(), range: range.clone() }
    }

    fn commands(&mut self, tokens: &[Token], range: &Range<usize>) -> Result<Vec<Term>, Fault> {
        let mut terms = Vec::new();
        // How much stands there so far, for each open bracket.
        let mut counts = vec![0];
        let mut tokens = tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            let is_empty = counts.last() == Some(&0);
            match &token.what {
                What::Pipe | What::Close if is_empty => return Err(missing(&token.range)),
                // Go takes one at the end.
                What::Pipe if tokens.peek().is_some_and(|next| next.what == What::Pipe) => {
                    return Err(no_operator(token));
                }
                What::Pipe => continue,
                // `($x := 5)`
                What::Variable(name, _) if is_empty && counts.len() > 1 => {
                    if tokens.next_if(|next| next.what == What::Declare).is_some() {
                        self.variables.push(name.clone());
                        continue;
                    }
                    if tokens.next_if(|next| next.what == What::Assign).is_some() {
                        continue;
                    }
                }
                What::Declare | What::Assign => return Err(no_operator(token)),
                What::Comma => {
                    return Err(Fault::new(token.range.clone(), "`,` cannot stand there")
                        .help("what a function gets is set apart by spaces"));
                }
                What::Open => counts.push(0),
                What::Close => {
                    counts.pop();
                    if counts.is_empty() {
                        return Err(
                            Fault::new(token.range.clone(), "`)` closes nothing").help("take it away")
                        );
                    }
                }
                _ => {}
            }
            if token.what != What::Open
                && let Some(count) = counts.last_mut()
            {
                *count += 1;
            }
            terms.extend(self.term(token)?);
        }
        match counts.as_slice() {
            [0] => Err(missing(range)),
            [_] => Ok(terms),
            _ => Err(Fault::new(range.clone(), "`(` is not closed").help("close it with `)`")),
        }
    }

    fn term(&self, token: &Token) -> Result<Option<Term>, Fault> {
        let made = |base: Base, fields: &[String]| {
            Some(Term { base, fields: fields.to_vec(), range: token.range.clone() })
        };
        Ok(match &token.what {
            What::Word(word) => {
                self.function(word, token)?;
                made(Base::Function(word.clone()), &[])
            }
            What::Variable(name, fields) => {
                self.variable(name, token)?;
                // In a `define` it is what that was called with.
                if name == "$" && self.own_template().is_none() {
                    self.field(fields, token)?;
                }
                made(Base::Variable(name.clone()), fields)
            }
            What::Dot(fields) => {
                if self.is_top() {
                    self.field(fields, token)?;
                }
                made(Base::Dot, fields)
            }
            What::Text(text) => made(Base::Text(text.clone()), &[]),
            What::Other | What::Open | What::Close => made(Base::Other, &[]),
            What::Pipe | What::Declare | What::Assign | What::Comma => None,
        })
    }

    fn function(&self, word: &str, token: &Token) -> Result<(), Fault> {
        let language = self.language;
        let known = || words(BUILTIN).chain(words(language.functions));
        if word == "nil" || words(language.foreign).chain(known()).any(|name| name == word) {
            return Ok(());
        }
        let fault = Fault::new(token.range.clone(), format!("there is no function `{word}`"));
        Err(match nearest(word, known()) {
            _ if words(language.variables).any(|name| name[1..] == *word) => {
                fault.help(format!("write `${word}`"))
            }
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None if language.has_labels() => fault.help(label(word)),
            None => fault.help(format!("what the notification has is asked for with a dot, as `.{word}`")),
        })
    }

    /// The `define` or `block` that is being read: another template, which sees no variable from outside.
    fn own_template(&self) -> Option<&Block> {
        self.blocks.iter().rfind(|block| matches!(block.word.as_str(), "define" | "block"))
    }

    fn variable(&self, name: &str, token: &Token) -> Result<(), Fault> {
        let own = self.own_template();
        let (outside, seen) = self.variables.split_at(own.map_or(0, |block| block.variables));
        let is_among = |variables: &[String]| variables.iter().any(|known| known == name);
        if name == "$" || is_among(seen) {
            return Ok(());
        }
        if let Some(block) = own.filter(|_| is_among(outside)) {
            return Err(Fault::new(
                token.range.clone(),
                format!("`{name}` is not seen inside of a `{}`", block.word),
            )
            .help("hand it over where the template is called, as `.`"));
        }
        let fault = Fault::new(token.range.clone(), format!("there is no variable `{name}`"));
        Err(match nearest(name, self.variables.iter().map(String::as_str).filter(|known| *known != "$")) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None if self.language.has_labels() => fault.help(label(&name[1..])),
            None => fault.help("define it with `:=` before it is used"),
        })
    }

    /// At the top the dot has a few fields, and asking for another one fails.
    fn field(&self, fields: &[String], token: &Token) -> Result<(), Fault> {
        let known = || words(self.language.fields);
        let Some(first) = fields.first().filter(|first| known().all(|name| name != *first)) else {
            return Ok(());
        };
        let fault = Fault::new(token.range.clone(), format!("there is no `.{first}`"));
        Err(match nearest(first, known()) {
            Some(near) => fault.help(format!("did you mean `.{near}`?")),
            None if self.language.has_labels() => fault.help(label(first)),
            None => fault.help(format!("a common label is asked for as `{{{{ .CommonLabels.{first} }}}}`")),
        })
    }
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_whitespace()
}

fn label(name: &str) -> String {
    format!("a label is asked for as `{{{{ $labels.{name} }}}}`")
}

fn quoted(token: Option<&Token>) -> Option<String> {
    match &token?.what {
        What::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn unnamed(word: &str, range: &Range<usize>) -> Fault {
    Fault::new(range.clone(), format!("`{word}` names no template"))
        .help(format!("write the name in quotes: `{{{{ {word} \"name\" . }}}}`"))
}

/// Conditions are functions here.
fn no_operator(token: &Token) -> Fault {
    Fault::new(token.range.clone(), "a template has no operators")
        .help("write `eq a b`, `gt a b`, `and a b`, `or a b`")
}

fn missing(range: &Range<usize>) -> Fault {
    Fault::new(range.clone(), "a value is missing").help("write a value, a variable or a function there")
}
