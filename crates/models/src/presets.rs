//! Endpoints that are known by name.

use crate::dialect::Dialect;
use crate::options::ProviderOptions;
use crate::secret::ApiKey;

/// A known endpoint with sensible defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name in settings.
    pub name: &'static str,
    /// The name a person knows.
    pub title: &'static str,
    /// Where it answers.
    pub base_url: &'static str,
    /// A model that answers well at a low price.
    pub model: &'static str,
    /// How it speaks.
    pub dialect: Dialect,
    /// The environment variable that usually holds its key; `None` where it needs none.
    pub key_variable: Option<&'static str>,
}

impl Preset {
    /// The preset as options, to be changed where wanted.
    pub fn options(&self, api_key: Option<ApiKey>) -> ProviderOptions {
        ProviderOptions {
            name: self.name.into(),
            base_url: self.base_url.into(),
            api_key,
            model: self.model.into(),
            dialect: self.dialect,
            ..ProviderOptions::default()
        }
    }
}

/// All known endpoints, in alphabetical order.
pub fn presets() -> &'static [Preset] {
    const PRESETS: &[Preset] = &[
        Preset {
            name: "anthropic",
            title: "Anthropic",
            base_url: "https://api.anthropic.com/v1",
            model: "claude-haiku-4-5",
            dialect: Dialect::Anthropic,
            key_variable: Some("ANTHROPIC_API_KEY"),
        },
        Preset {
            name: "gemini",
            title: "Google Gemini",
            base_url: "https://generativelanguage.googleapis.com/v1beta",
            model: "gemini-flash-latest",
            dialect: Dialect::Gemini,
            key_variable: Some("GEMINI_API_KEY"),
        },
        Preset {
            name: "groq",
            title: "Groq",
            base_url: "https://api.groq.com/openai/v1",
            model: "llama-3.3-70b-versatile",
            dialect: Dialect::Chat,
            key_variable: Some("GROQ_API_KEY"),
        },
        Preset {
            name: "kimi",
            title: "Kimi",
            base_url: "https://api.kimi.com/coding/v1",
            model: "kimi-for-coding",
            dialect: Dialect::Chat,
            key_variable: Some("KIMI_API_KEY"),
        },
        Preset {
            name: "mistral",
            title: "Mistral",
            base_url: "https://api.mistral.ai/v1",
            model: "mistral-small-latest",
            dialect: Dialect::Chat,
            key_variable: Some("MISTRAL_API_KEY"),
        },
        Preset {
            name: "ollama",
            title: "Ollama (on this machine)",
            base_url: "http://127.0.0.1:11434/v1",
            model: "llama3.1:8b",
            dialect: Dialect::Chat,
            key_variable: None,
        },
        Preset {
            name: "openai",
            title: "OpenAI",
            base_url: "https://api.openai.com/v1",
            model: "gpt-4.1-mini",
            dialect: Dialect::Chat,
            key_variable: Some("OPENAI_API_KEY"),
        },
    ];
    PRESETS
}
