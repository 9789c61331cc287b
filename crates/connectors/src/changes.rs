//! Adding, changing, approving, importing and removing servers.
//!
//! Invariants: none of these contacts or starts anything; a secret that no server has any more is
//! forgotten.

use std::collections::BTreeMap;

use url::Url;

use crate::error::Error;
use crate::import::{self, Imported, LeftOut};
use crate::server::{NewServer, Program, SecretText, Server, ServerChange, Transport};
use crate::service::{Connectors, ServerView, secret_name};

/// How many servers there may be.
const SERVERS: usize = 64;
/// The longest secret, in bytes.
const SECRET_BYTES: usize = 8 << 10;

impl Connectors {
    /// Adds a server, which is the owner's act: it is approved as it is.
    ///
    /// # Errors
    /// [`Error::Unfit`], [`Error::Exists`], [`Error::TooMany`].
    pub async fn create(&self, new: NewServer) -> Result<ServerView, Error> {
        let name = new.name.clone();
        self.add(new, true).await?;
        self.find(&name).await
    }

    /// Reads the configuration of another program and lists its servers as proposed. What has the
    /// name of a server that is there already is left out, and said.
    ///
    /// # Errors
    /// [`Error::ImportUnfit`] when none of it can be read.
    pub async fn import(&self, configuration: &str) -> Result<Imported, Error> {
        let (servers, mut left_out) = import::read(configuration)?;
        let mut proposed = Vec::new();
        for (new, notes) in servers {
            let name = new.name.clone();
            match self.add(new, false).await {
                Ok(()) => proposed.push((self.find(&name).await?, notes)),
                Err(Error::Kernel(error)) => return Err(error.into()),
                Err(refused) => left_out.push(LeftOut { name, reason: refused.to_string() }),
            }
        }
        Ok(Imported { proposed, left_out })
    }

    async fn add(&self, new: NewServer, is_approved: bool) -> Result<(), Error> {
        let NewServer { name, transport, token, secrets, enabled } = new;
        let _changing = self.changing.lock().await;
        let known = self.parts.store.list_servers().await?;
        if known.iter().any(|server| server.name == name) {
            return Err(Error::Exists { name });
        }
        if known.len() >= SERVERS {
            return Err(Error::TooMany { most: SERVERS });
        }
        let mut server = Server { name, transport, enabled, approved_digest: None };
        // Checked as it will be, before any secret is kept.
        let kept = crate::server::SecretStorage::EncryptedFile;
        match &mut server.transport {
            Transport::Http { token: place, .. } => *place = token.as_ref().map(|_| kept),
            Transport::Stdio(program) => {
                program.secrets = secrets.keys().map(|variable| (variable.clone(), kept)).collect();
                program.secrets_revision = 0;
            }
        }
        server.check()?;
        token.iter().chain(secrets.values()).try_for_each(check_secret)?;
        match &mut server.transport {
            Transport::Http { token: place, .. } => {
                if let Some(token) = &token {
                    *place = Some(self.parts.secrets.put(&secret_name(&server.name, None), token).await?);
                }
            }
            Transport::Stdio(program) => {
                for (variable, value) in &secrets {
                    let name = secret_name(&server.name, Some(variable));
                    program.secrets.insert(variable.clone(), self.parts.secrets.put(&name, value).await?);
                }
            }
        }
        server.approved_digest = is_approved.then(|| server.digest());
        match self.parts.store.create_server(&server, self.parts.clock.now()).await? {
            true => Ok(()),
            false => Err(Error::Exists { name: server.name }),
        }
    }

    /// Changes a server and what is said of its tools. What would be contacted or started has to be
    /// approved anew where it is different now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ToolNotFound`], [`Error::Unfit`], and then nothing is changed.
    pub async fn update(&self, name: &str, change: ServerChange) -> Result<ServerView, Error> {
        let changing = self.changing.lock().await;
        let mut server = self.server(name).await?;
        let (mut tools, _) = self.parts.store.list_tools(name).await?;
        for (of, what) in &change.tools {
            let tool = tools.iter_mut().find(|tool| tool.name == *of);
            let not_found = || Error::ToolNotFound { server: name.into(), tool: crate::text::label(of, 80) };
            tool.ok_or_else(not_found)?.change(*what);
        }
        let (reopens, has_tools) =
            (change.is_of_transport() || change.enabled == Some(false), !change.tools.is_empty());
        server.enabled = change.enabled.unwrap_or(server.enabled);
        self.change_transport(&mut server, change).await?;
        self.parts.store.update_server(&server, self.parts.clock.now()).await?;
        if has_tools {
            self.parts.store.replace_tools(name, &tools, None).await?;
        }
        drop(changing);
        if reopens {
            self.pool.close(name);
        }
        self.find(name).await
    }

    async fn change_transport(&self, server: &mut Server, change: ServerChange) -> Result<(), Error> {
        let mut changed = server.clone();
        let mut forgotten = Vec::new();
        let mut kept: Vec<(Option<String>, SecretText)> = Vec::new();
        let later = crate::server::SecretStorage::EncryptedFile;
        match &mut changed.transport {
            Transport::Http { url, token } => {
                if change.is_of_program() {
                    return unfit("it is at an address; remove it and add the program");
                }
                if let Some(other) = change.url {
                    let moves = host_of(&other) != host_of(url);
                    if let (true, Some(storage)) = (moves, token.take_if(|_| moves)) {
                        forgotten.push((None, storage));
                    }
                    *url = other;
                }
                match change.token {
                    Some(Some(value)) => {
                        *token = Some(later);
                        kept.push((None, value));
                    }
                    Some(None) => forgotten.extend(token.take().map(|storage| (None, storage))),
                    None => {}
                }
            }
            Transport::Stdio(program) => {
                if change.url.is_some() || change.token.is_some() {
                    return unfit("it is a program; remove it and add the address");
                }
                for (variable, value) in change.secrets {
                    program.secrets_revision += 1;
                    match value {
                        Some(value) => {
                            program.secrets.insert(variable.clone(), later);
                            kept.push((Some(variable), value));
                        }
                        None => forgotten.extend(
                            program.secrets.remove(&variable).map(|storage| (Some(variable), storage)),
                        ),
                    }
                }
                let Program { command, args, environment, hosts, registries, folders, .. } = program;
                take(command, change.command);
                take(args, change.args);
                take(environment, change.environment);
                take(hosts, change.hosts);
                take(registries, change.registries);
                take(folders, change.folders);
            }
        }
        changed.check()?;
        kept.iter().try_for_each(|(_, value)| check_secret(value))?;
        for (variable, storage) in forgotten {
            self.parts.secrets.delete(&secret_name(&server.name, variable.as_deref()), storage).await?;
        }
        for (variable, value) in kept {
            let storage =
                self.parts.secrets.put(&secret_name(&server.name, variable.as_deref()), &value).await?;
            match (&mut changed.transport, variable) {
                (Transport::Http { token, .. }, _) => *token = Some(storage),
                (Transport::Stdio(program), Some(variable)) => _ = program.secrets.insert(variable, storage),
                (Transport::Stdio(_), None) => {}
            }
        }
        *server = changed;
        Ok(())
    }

    /// Approves a server as it was shown: `digest` is the one that stood beside it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::DigestStale`] when it is another one by now.
    pub async fn approve(&self, name: &str, digest: &str) -> Result<ServerView, Error> {
        let changing = self.changing.lock().await;
        let mut server = self.server(name).await?;
        if server.digest() != digest {
            return Err(Error::DigestStale { name: server.name });
        }
        server.approved_digest = Some(digest.to_owned());
        self.parts.store.update_server(&server, self.parts.clock.now()).await?;
        drop(changing);
        self.find(name).await
    }

    /// Removes a server, with its tools, its secrets and its folder.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let server = self.server(name).await?;
        self.parts.store.delete_server(name).await?;
        self.pool.close(name);
        let secrets: BTreeMap<Option<&str>, _> = match &server.transport {
            Transport::Http { token, .. } => token.iter().map(|storage| (None, *storage)).collect(),
            Transport::Stdio(program) => {
                program.secrets.iter().map(|(name, storage)| (Some(name.as_str()), *storage)).collect()
            }
        };
        for (variable, storage) in secrets {
            self.parts.secrets.delete(&secret_name(name, variable), storage).await?;
        }
        if matches!(server.transport, Transport::Stdio(_)) {
            self.parts.programs.forget(name).await?;
        }
        Ok(())
    }
}

fn take<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

fn unfit<T>(reason: &str) -> Result<T, Error> {
    Err(Error::Unfit { reason: reason.into() })
}

fn check_secret(secret: &SecretText) -> Result<(), Error> {
    let text = secret.expose();
    match text.is_empty() || text.len() > SECRET_BYTES || text.contains(['\0', '\n', '\r']) {
        true => unfit("a secret must be one line of text"),
        false => Ok(()),
    }
}

/// Who gets what is sent to an address.
fn host_of(url: &str) -> Option<(String, String, Option<u16>)> {
    let url = Url::parse(url).ok()?;
    Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()))
}
