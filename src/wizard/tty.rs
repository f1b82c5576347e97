//! The terminal's mode while questions are asked, restored afterwards.
//!
//! dialoguer reads in raw mode, but only while it waits for a key: what arrives between two keys (a pasted secret) the
//! terminal would echo, and a Ctrl-C there would be lost or end the process with the cursor hidden. So echo and signals
//! are off from the first question to the last. What is left of Ctrl-C is the signal that dialoguer sends to its own
//! process: it is caught, and the read that it ends says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::SIGINT;

pub(super) struct Quiet {
    /// From here on Ctrl-C means what it always means.
    is_over: Arc<AtomicBool>,
    #[cfg(unix)]
    original: rustix::termios::Termios,
}

impl Quiet {
    pub(super) fn new() -> Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&is_over))
            .context("cannot listen for Ctrl-C")?;
        Ok(Self {
            is_over,
            #[cfg(unix)]
            original: unix::silence().context("cannot set the terminal's mode")?,
        })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        #[cfg(unix)]
        unix::restore(&self.original);
        self.is_over.store(true, Ordering::SeqCst);
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{Result, stdin};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// Keys stay in the queue until they are read: nothing echoed, nothing edited, nothing taken for a signal.
    pub(super) fn silence() -> Result<Termios> {
        let original = tcgetattr(stdin())?;
        let mut silent = original.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        tcsetattr(stdin(), OptionalActions::Drain, &silent)?;
        Ok(original)
    }

    pub(super) fn restore(original: &Termios) {
        // A terminal that is gone has no mode.
        let _ = tcsetattr(stdin(), OptionalActions::Drain, original);
    }
}
