//! A person at a terminal. The only file that names dialoguer.
//!
//! dialoguer draws and edits; two things it leaves open are done here. Its text prompt has no way out, so the first key
//! is read before it: Ctrl-D and Esc leave. Its password prompt throws away what was typed before it was drawn, and
//! takes Ctrl-D for an empty password, so the hidden line is read key by key.

use std::io::ErrorKind;

use dialoguer::console::{Key, Term};
use dialoguer::theme::{ColorfulTheme, Theme};
use dialoguer::{Confirm, Input, Select};

use super::Secret;
use super::prompt::{Asked, Prompt, Stop};
use super::tty::Quiet;

const CTRL_D: char = '\u{4}';
const CTRL_U: char = '\u{15}';

pub struct Terminal {
    term: Term,
    theme: ColorfulTheme,
    // Last: the terminal is restored after the cursor was shown again.
    _quiet: Quiet,
}

impl Terminal {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { term: Term::stderr(), theme: ColorfulTheme::default(), _quiet: Quiet::new()? })
    }

    /// The question as dialoguer draws it, without a line break.
    fn draw(&self, question: &str, default: Option<&str>) -> Asked<()> {
        let mut text = String::new();
        self.theme
            .format_input_prompt(&mut text, question, default)
            .map_err(|error| Stop::Failed(error.into()))?;
        Ok(self.term.write_str(&text)?)
    }

    /// Puts the answer in the place of the question.
    fn settle(&self, question: &str, answer: &str) -> Asked<()> {
        let mut text = String::new();
        self.theme
            .format_input_prompt_selection(&mut text, question, answer)
            .map_err(|error| Stop::Failed(error.into()))?;
        self.term.clear_line()?;
        Ok(self.term.write_line(&text)?)
    }

    /// A new password, typed twice.
    pub fn password(&mut self, question: &str) -> Asked<Secret> {
        loop {
            let first = self.hidden(&format!("{question} (hidden)"))?;
            self.settle(question, "[hidden]")?;
            let second = self.hidden("once more")?;
            self.settle("once more", "[hidden]")?;
            if first == second {
                return Ok(first);
            }
            self.complain("these are two different passwords\ntype it again")?;
        }
    }

    /// One line that is not shown.
    fn hidden(&self, question: &str) -> Asked<Secret> {
        self.draw(question, None)?;
        let mut typed = String::new();
        loop {
            match self.key()? {
                Key::Enter => return Ok(Secret::new(typed)),
                Key::Backspace => {
                    typed.pop();
                }
                Key::Char(CTRL_U) => typed.clear(),
                Key::Char(c) if !c.is_control() => typed.push(c),
                _ => {}
            }
        }
    }

    fn key(&self) -> Asked<Key> {
        match self.term.read_key_raw()? {
            Key::CtrlC | Key::Escape | Key::Char(CTRL_D) => Err(Stop::Cancelled),
            key => Ok(key),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A cancelled choice leaves it hidden. A terminal that is gone needs no cursor.
        let _ = self.term.show_cursor();
    }
}

impl Prompt for Terminal {
    fn text(&mut self, question: &str, default: &str) -> Asked<String> {
        let shown = (!default.is_empty()).then_some(default);
        self.draw(question, shown)?;
        let first = loop {
            match self.key()? {
                Key::Enter => {
                    self.settle(question, shown.unwrap_or("none"))?;
                    return Ok(default.to_owned());
                }
                Key::Char(first) if !first.is_control() => break first,
                _ => {}
            }
        };
        self.term.clear_line()?;
        let mut input =
            Input::with_theme(&self.theme).with_prompt(question).with_initial_text(first).allow_empty(true);
        if let Some(default) = shown {
            input = input.default(default.to_owned());
        }
        Ok(input.interact_text_on(&self.term)?)
    }

    fn select(&mut self, question: &str, items: &[String], default: usize) -> Asked<usize> {
        Select::with_theme(&self.theme)
            .with_prompt(question)
            .items(items)
            .default(default)
            .report(true)
            .interact_on_opt(&self.term)?
            .ok_or(Stop::Cancelled)
    }

    fn confirm(&mut self, question: &str, default: bool) -> Asked<bool> {
        Confirm::with_theme(&self.theme)
            .with_prompt(question)
            .default(default)
            // Else the Enter after a `y` would answer the next question.
            .wait_for_newline(true)
            .interact_on_opt(&self.term)?
            .ok_or(Stop::Cancelled)
    }

    fn secret(&mut self, question: &str, hint: &str) -> Asked<Secret> {
        self.term.write_line(&format!("  {hint}"))?;
        let secret = self.hidden(&format!("{question} (hidden; empty for later)"))?;
        self.settle(question, if secret.is_empty() { "later" } else { "[hidden]" })?;
        Ok(secret)
    }

    fn complain(&mut self, about: &str) -> Asked<()> {
        for (position, line) in about.lines().enumerate() {
            self.term.write_line(&format!("  {}{line}", if position == 0 { "" } else { "help: " }))?;
        }
        Ok(())
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // Ctrl-C, and a terminal that was closed.
            ErrorKind::Interrupted | ErrorKind::UnexpectedEof => Self::Cancelled,
            _ => Self::Failed(anyhow::Error::new(error).context("cannot use the terminal")),
        }
    }
}

impl From<dialoguer::Error> for Stop {
    fn from(error: dialoguer::Error) -> Self {
        std::io::Error::from(error).into()
    }
}
