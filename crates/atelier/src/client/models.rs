//! The calls about models and their providers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};

use super::sse::{Decoder, Message};
use super::{Call, Client, Problem, Result};

const PROVIDERS: [&str; 3] = ["api", "v1", "providers"];
const INFER: [&str; 4] = ["api", "v1", "llm", "infer"];
/// A long answer, or a large model that is fetched.
const STREAM_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Named events of a stream that is not a run's.
pub struct NamedEvents<'a> {
    client: &'a Client,
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    decoder: Decoder,
    waiting: VecDeque<Message>,
}

impl NamedEvents<'_> {
    /// The next event's name and data; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks, or an event is no JSON.
    pub async fn next(&mut self) -> Result<Option<(String, Value)>> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                let data = serde_json::from_str(&message.data).map_err(|error| {
                    Problem::internal(format!("An event of the server is not understood: {error}"))
                })?;
                return Ok(Some((message.event, data)));
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.waiting.extend(self.decoder.take(&bytes)),
                Some(Err(error)) => return Err(self.client.broken(&error)),
                None => return Ok(None),
            }
        }
    }
}

impl Client {
    /// All providers.
    pub async fn providers(&self) -> Result<Value> {
        self.value(Call::get(PROVIDERS)).await
    }

    /// What is known by name.
    pub async fn provider_presets(&self) -> Result<Value> {
        self.value(Call::get(["api", "v1", "llm", "presets"])).await
    }

    /// What could be set up at once.
    pub async fn provider_suggestions(&self) -> Result<Value> {
        self.value(Call::get(["api", "v1", "llm", "suggestions"])).await
    }

    /// Sets a provider up.
    pub async fn create_provider(&self, body: Value) -> Result<Value> {
        self.value(Call::post(PROVIDERS, body)).await
    }

    /// Changes a provider.
    pub async fn update_provider(&self, name: &str, body: Value) -> Result<Value> {
        let call = Call::new(Method::PATCH, PROVIDERS.into_iter().chain([name]));
        self.value(Call { body: Some(body), ..call }).await
    }

    /// Removes a provider.
    pub async fn delete_provider(&self, name: &str) -> Result<()> {
        self.send(&Call::new(Method::DELETE, PROVIDERS.into_iter().chain([name]))).await.map(|_| ())
    }

    /// Asks a provider whether it answers.
    pub async fn test_provider(&self, name: &str, prompt: bool) -> Result<Value> {
        let path = PROVIDERS.into_iter().chain([name, "test"]);
        self.value(Call::post(path, json!({"prompt": prompt}))).await
    }

    /// Who is asked.
    pub async fn routing(&self) -> Result<Value> {
        self.value(Call::get(["api", "v1", "llm", "routing"])).await
    }

    /// Changes who is asked.
    pub async fn change_routing(&self, body: Value) -> Result<Value> {
        let call = Call::new(Method::PATCH, ["api", "v1", "llm", "routing"]);
        self.value(Call { body: Some(body), ..call }).await
    }

    /// Has Ollama fetch a model.
    pub async fn pull_model(&self, name: &str, model: &str) -> Result<NamedEvents<'_>> {
        let path = PROVIDERS.into_iter().chain([name, "pull"]);
        self.named_events(Call::post(path, json!({"model": model}))).await
    }

    /// Asks a model, for the whole answer.
    pub async fn infer(&self, body: Value) -> Result<Value> {
        self.value(Call { timeout: STREAM_TIMEOUT, ..Call::post(INFER, body) }).await
    }

    /// Asks a model, for the answer as it comes.
    pub async fn infer_stream(&self, body: Value) -> Result<NamedEvents<'_>> {
        self.named_events(Call::post(INFER, body)).await
    }

    pub(super) async fn value(&self, call: Call<'_>) -> Result<Value> {
        Ok(self.ask::<Value>(call).await?.raw)
    }

    async fn named_events(&self, call: Call<'_>) -> Result<NamedEvents<'_>> {
        let response = self.send(&Call { timeout: STREAM_TIMEOUT, ..call }).await?;
        let body = response.bytes_stream().map(|piece| piece.map(|piece| piece.to_vec()));
        Ok(NamedEvents {
            client: self,
            body: Box::pin(body),
            decoder: Decoder::default(),
            waiting: VecDeque::new(),
        })
    }
}
