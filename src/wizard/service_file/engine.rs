//! Which engine a command line starts. Apart from the engines' own data, since it is about command lines, and only the
//! wizard reads any.

/// How an engine is started.
struct Marks {
    engine: &'static str,
    /// The program, wherever it lies, and what must follow.
    commands: &'static [&'static str],
    /// Python modules, and what lies in them.
    modules: &'static [&'static str],
    /// Part of a container image's name.
    images: &'static [&'static str],
}

const fn marks(
    engine: &'static str,
    commands: &'static [&'static str],
    modules: &'static [&'static str],
    images: &'static [&'static str],
) -> Marks {
    Marks { engine, commands, modules, images }
}

/// Of two that fit one command, the first counts.
const MARKS: &[Marks] = &[
    marks("vllm", &["vllm serve"], &["vllm.entrypoints"], &["vllm/vllm-openai"]),
    marks("sglang", &["sglang serve"], &["sglang.launch_server"], &["lmsysorg/sglang"]),
    marks("tgi", &["text-generation-launcher"], &[], &["text-generation-inference"]),
    marks("tei", &["text-embeddings-router"], &[], &["text-embeddings-inference"]),
    marks("triton", &["tritonserver"], &[], &["nvidia/tritonserver"]),
    marks("tensorrt-llm", &["trtllm-serve"], &[], &["nvidia/tensorrt-llm"]),
    marks("llamacpp", &["llama-server"], &[], &["/llama.cpp:server"]),
    marks("ray-serve-llm", &[], &["ray.serve.llm"], &["rayproject/ray-llm"]),
    marks("ray-serve", &["serve run", "serve deploy"], &[], &[]),
    marks("lmdeploy", &["lmdeploy serve"], &[], &["openmmlab/lmdeploy"]),
    marks("litellm", &["litellm"], &[], &["berriai/litellm"]),
    marks("nim", &[], &[], &["nvcr.io/nim/"]),
    marks("ollama", &["ollama serve"], &[], &["ollama/ollama"]),
];

/// After one of these a program's name is spoken of, and nothing of it is started.
const ONLY_NAMED: &[&str] =
    &["add", "clone", "download", "echo", "install", "pkill", "pull", "uninstall", "which"];

/// An engine, by which words it was known, and where they begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) engine: &'static str,
    /// skymon's own words, never the file's: a command line may hold a token.
    pub(super) words: &'static str,
    pub(super) byte: usize,
}

/// Every engine that a script starts, once each. `script` is a scalar as it is written in YAML.
pub(super) fn started(script: &str) -> Vec<Started> {
    let mut found: Vec<Started> = Vec::new();
    for command in commands(script) {
        let command = match command.iter().position(|(_, word)| ONLY_NAMED.contains(word)) {
            Some(end) => &command[..end],
            None => &command[..],
        };
        if let Some(started) = MARKS.iter().find_map(|marks| marks.known_by(command))
            && found.iter().all(|other| other.engine != started.engine)
        {
            found.push(started);
        }
    }
    found
}

impl Marks {
    fn known_by(&self, command: &[(usize, &str)]) -> Option<Started> {
        let begins = |mark: &str, at: usize| {
            let program = command[at].1.rsplit('/').next();
            let words = command[at + 1..].iter().map(|(_, word)| *word);
            program.into_iter().chain(words).zip(mark.split(' ')).filter(|(word, mark)| word == mark).count()
                == mark.split(' ').count()
        };
        let is_module = |mark: &str, at: usize| {
            command[at]
                .1
                .strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
        };
        let is_image = |mark: &str, at: usize| command[at].1.contains(mark);
        (0..command.len()).find_map(|at| {
            let commands = self.commands.iter().find(|mark| begins(mark, at));
            let modules = || self.modules.iter().find(|mark| is_module(mark, at));
            let images = || self.images.iter().find(|mark| is_image(mark, at));
            let words = commands.or_else(modules).or_else(images)?;
            Some(Started { engine: self.engine, words, byte: command[at].0 })
        })
    }
}

/// The words of each command, with the byte where each begins. Quotes are no part of a word, comments none of a script.
fn commands(script: &str) -> Vec<Vec<(usize, &str)>> {
    // Everywhere but in a `|` block, YAML joins the lines.
    let lines_end_commands = script.starts_with('|');
    let mut commands = vec![Vec::new()];
    let mut start = 0;
    for line in script.split_inclusive('\n') {
        let code = line.trim_end();
        let mut word = 0;
        for (at, c) in code.char_indices().chain([(code.len(), ' ')]) {
            if !c.is_whitespace() && !";|&()\"'`\\".contains(c) {
                continue;
            }
            if code[word..at].starts_with('#') {
                break;
            }
            if let Some(command) = commands.last_mut().filter(|_| word < at) {
                command.push((start + word, &code[word..at]));
            }
            if ";|&".contains(c) {
                commands.push(Vec::new());
            }
            word = at + c.len_utf8();
        }
        if lines_end_commands && !code.ends_with('\\') {
            commands.push(Vec::new());
        }
        start += line.len();
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::engines::Engines;

    fn names(script: &str) -> Vec<&'static str> {
        started(script).into_iter().map(|started| started.engine).collect()
    }

    #[test]
    fn every_engine_but_ones_own_server_is_known_by_how_it_is_started() {
        for name in Engines::built_in().names().filter(|name| *name != "custom") {
            assert!(MARKS.iter().any(|marks| marks.engine == name), "no command line tells `{name}`");
        }
        for marks in MARKS {
            assert!(Engines::built_in().get(marks.engine).is_some(), "there is no engine `{}`", marks.engine);
        }
    }

    #[test]
    fn an_engine_is_known_however_it_is_started() {
        for (script, engine) in [
            ("vllm serve meta-llama/Llama-3", "vllm"),
            (
                "|\n  conda activate x\n  HF_TOKEN=hf_x nohup /opt/venv/bin/vllm serve \\\n    $MODEL &\n",
                "vllm",
            ),
            ("|\n  python3 -u -m \\\n    vllm.entrypoints.openai.api_server --port 8081\n", "vllm"),
            (">\n  vllm\n  serve x\n", "vllm"),
            ("'bash -c \"vllm serve x\"'", "vllm"),
            ("docker run --gpus all vllm/vllm-openai:v0.11.0 --model x", "vllm"),
            ("python -m sglang.launch_server --model-path x", "sglang"),
            ("docker run ghcr.io/huggingface/text-generation-inference:3 --model-id x", "tgi"),
            ("cd x && tritonserver --model-repository=/m", "triton"),
            ("serve run ray.serve.llm:build_openai_app model=x", "ray-serve-llm"),
            ("serve run app:app", "ray-serve"),
            ("docker run nvcr.io/nim/meta/llama3:1", "nim"),
        ] {
            assert_eq!(names(script), [engine], "{script}");
        }
    }

    #[test]
    fn what_only_names_an_engine_does_not_start_it() {
        for script in [
            "pip install vllm serve",
            "|\n  pip install vllm\n  serve\n",
            "|\n  # vllm serve x\n  python server.py  # not vllm serve\n",
            "python3 -m fastchat.serve.vllm_worker --model-path x",
            "docker pull vllm/vllm-openai",
            "echo vllm serve",
            "vllm; serve",
            "vllm_serve vllm",
            "",
        ] {
            assert_eq!(names(script), Vec::<&str>::new(), "{script}");
        }
    }

    #[test]
    fn several_engines_are_named_in_their_order_and_each_where_it_stands() {
        let script = "|\n  litellm --config é &\n  vllm serve x\n  vllm serve y\n";
        let found = started(script);
        assert_eq!(names(script), ["litellm", "vllm"]);
        assert!(script[found[1].byte..].starts_with("vllm serve x"));
        assert_eq!(found[1].words, "vllm serve");
    }
}
