//! How a question is asked: the border between what the wizard asks and who answers. A person does at a `Terminal`,
//! nobody does with `--yes`, and a list does in the tests.

use super::Secret;

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The person left: Ctrl-C, Ctrl-D or Esc.
    Cancelled,
    Failed(anyhow::Error),
}

pub type Asked<T> = Result<T, Stop>;

pub trait Prompt {
    /// One line. An empty answer is the default.
    fn text(&mut self, question: &str, default: &str) -> Asked<String>;
    /// The position of one of `items`.
    fn select(&mut self, question: &str, items: &[String], default: usize) -> Asked<usize>;
    fn confirm(&mut self, question: &str, default: bool) -> Asked<bool>;
    /// One line that is not shown. `hint` says where one gets it; an empty answer is "later".
    fn secret(&mut self, question: &str, hint: &str) -> Asked<Secret>;
    /// What was wrong with the last answer, before the question is asked again.
    fn complain(&mut self, about: &str) -> Asked<()>;
}

/// Takes every default: `--yes`.
pub struct Defaults;

impl Prompt for Defaults {
    fn text(&mut self, _: &str, default: &str) -> Asked<String> {
        Ok(default.to_owned())
    }

    fn select(&mut self, _: &str, _: &[String], default: usize) -> Asked<usize> {
        Ok(default)
    }

    fn confirm(&mut self, _: &str, default: bool) -> Asked<bool> {
        Ok(default)
    }

    fn secret(&mut self, _: &str, _: &str) -> Asked<Secret> {
        Ok(Secret::default())
    }

    /// What has no default is refused before anything is asked (`flags::missing`), or this would go on for ever.
    fn complain(&mut self, about: &str) -> Asked<()> {
        Err(Stop::Failed(anyhow::anyhow!("bug: a default was refused: {about}")))
    }
}

/// One answer of a test.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Text(&'static str),
    /// The item that begins with this.
    Pick(&'static str),
    Confirm(bool),
    Secret(&'static str),
    /// Enter, whatever is asked.
    Default,
    Cancel,
}

/// Answers from a list: part of the question → the reply. Another question than the next one fails the test.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Scripted {
    replies: std::collections::VecDeque<(&'static str, Reply)>,
    /// All that a person would have seen.
    pub(crate) shown: String,
}

#[cfg(test)]
impl Scripted {
    pub(crate) fn new(replies: &[(&'static str, Reply)]) -> Self {
        Self { replies: replies.iter().cloned().collect(), shown: String::new() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.replies.is_empty()
    }

    fn next(&mut self, question: &str) -> Asked<Reply> {
        self.shown.extend([question, "\n"]);
        let (expected, reply) =
            self.replies.pop_front().unwrap_or_else(|| panic!("no answer is left for `{question}`"));
        assert!(question.contains(expected), "asked `{question}` where `{expected}` was expected");
        if matches!(reply, Reply::Cancel) { Err(Stop::Cancelled) } else { Ok(reply) }
    }
}

#[cfg(test)]
impl Prompt for Scripted {
    fn text(&mut self, question: &str, default: &str) -> Asked<String> {
        match self.next(question)? {
            Reply::Text(text) => Ok(text.to_owned()),
            Reply::Default => Ok(default.to_owned()),
            other => panic!("`{question}` wants text, not {other:?}"),
        }
    }

    fn select(&mut self, question: &str, items: &[String], default: usize) -> Asked<usize> {
        match self.next(question)? {
            Reply::Pick(start) => Ok(items
                .iter()
                .position(|item| item.starts_with(start))
                .unwrap_or_else(|| panic!("`{start}` is not among {items:?}"))),
            Reply::Default => Ok(default),
            other => panic!("`{question}` wants a choice, not {other:?}"),
        }
    }

    fn confirm(&mut self, question: &str, default: bool) -> Asked<bool> {
        match self.next(question)? {
            Reply::Confirm(yes) => Ok(yes),
            Reply::Default => Ok(default),
            other => panic!("`{question}` wants yes or no, not {other:?}"),
        }
    }

    fn secret(&mut self, question: &str, hint: &str) -> Asked<Secret> {
        self.shown.push_str(hint);
        match self.next(question)? {
            Reply::Secret(text) => Ok(Secret::new(text)),
            Reply::Default => Ok(Secret::default()),
            other => panic!("`{question}` wants a secret, not {other:?}"),
        }
    }

    fn complain(&mut self, about: &str) -> Asked<()> {
        self.shown.push_str(about);
        Ok(())
    }
}
