//! Accounts for every call: what it consumed, whether it may be made, whether its answer is known.
//!
//! The [`Router`](crate::Router) opens an account before a call and closes it after; the calls go to
//! the [`Ledger`] in the background ([`recorder`]), what counts for limits is kept in memory
//! ([`meter`]) and restored from the ledger at the start, so that a restart forgets nothing.

mod cache;
mod limits;
mod meter;
mod recorder;

use std::sync::Arc;

use kernel::{Actor, CallId, Clock, Entropy, Ids, LimitId, Page, PageRequest, Result, Timestamp};
use parking_lot::Mutex;

use cache::AnswerCache;
pub use cache::CacheOptions;
pub use limits::{Amount, Limit, LimitStanding, LimitState, Subject, Window};
use meter::Meter;
use recorder::Recorder;
pub(crate) use recorder::Slot;
pub use recorder::{FLUSH_EVERY, KEEP_CALLS};

use crate::error::Error;
use crate::ledger::{Call, CallFilter, CallOutcome, Ledger, Origin, UsageQuery, UsageReport};
use crate::message::{Completion, Request, Usage};

/// The limit a workspace gets by itself, in US dollars a day.
pub const FIRST_LIMIT_USD: f64 = 10.0;
const USUAL_WARN_AT: f64 = 0.8;

/// A limit to be made, or what one is to become.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowance {
    /// At most so many questions.
    pub requests: Option<u64>,
    /// At most so many tokens.
    pub tokens: Option<u64>,
    /// At most so many US dollars.
    pub usd: Option<f64>,
    /// From this share on a warning is given; 0.8 where absent.
    pub warn_at: Option<f64>,
}

/// The accounts of a workspace.
pub struct Accounting {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    meter: Mutex<Meter>,
    recorder: Recorder,
    cache: Option<AnswerCache>,
    /// One change of the limits at a time, so that memory and ledger agree.
    changing: tokio::sync::Mutex<()>,
}

impl Accounting {
    /// Restores what was used of the running day and month and begins to record. Needs a runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn start(
        ledger: Arc<dyn Ledger>,
        cache: &CacheOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        let mut meter = Meter::default();
        meter.set_limits(ledger.list_limits().await?);
        restore(&mut meter, ledger.as_ref(), clock.now()).await?;
        Ok(Self {
            recorder: Recorder::start(ledger.clone(), clock.clone()),
            ids: Ids::new(clock.clone(), entropy),
            meter: Mutex::new(meter),
            cache: AnswerCache::new(cache),
            changing: tokio::sync::Mutex::default(),
            ledger,
            clock,
        })
    }

    /// Returns when every call that has ended is written.
    pub async fn flush(&self) {
        self.recorder.flush().await;
    }

    /// Calls, the newest first, those that have just ended included.
    ///
    /// # Errors
    /// When the ledger cannot be read, or the cursor is none.
    pub async fn list_calls(&self, filter: &CallFilter, page: &PageRequest) -> Result<Page<Call>> {
        self.flush().await;
        self.ledger.list_calls(filter, page).await
    }

    /// Usage summed up, calls that have just ended included.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn usage(&self, query: &UsageQuery) -> Result<UsageReport> {
        self.flush().await;
        self.ledger.usage(query).await
    }

    /// Every limit with what was used of it.
    pub fn limits(&self) -> Vec<LimitStanding> {
        self.meter.lock().standings(self.clock.now())
    }

    /// Makes a limit. What was used in its window before counts.
    ///
    /// # Errors
    /// `limit_empty` when it limits nothing, `limit_exists` when its subject has one for the window.
    pub async fn create_limit(
        &self,
        subject: Subject,
        window: Window,
        allowance: Allowance,
    ) -> Result<LimitStanding> {
        let limit = limit(self.ids.fresh(), subject, window, allowance)?;
        let _alone = self.changing.lock().await;
        if !self.ledger.create_limit(&limit).await? {
            let message = format!("There is already a limit for this {} a {window}", limit.subject.scope());
            return Err(kernel::Error::conflict("limit_exists", message)
                .with_hint("Change that one, or choose another window"));
        }
        Ok(self.installed(limit))
    }

    /// Gives a limit other numbers.
    ///
    /// # Errors
    /// `limit_not_found`, and as [`Self::create_limit`].
    pub async fn update_limit(
        &self,
        id: &LimitId,
        change: impl FnOnce(Allowance) -> Allowance + Send,
    ) -> Result<LimitStanding> {
        let _alone = self.changing.lock().await;
        let found = self.meter.lock().limits().iter().find(|limit| limit.id == *id).cloned();
        let old = found.ok_or_else(|| limit_not_found(id))?;
        let allowance = change(Allowance {
            requests: old.requests,
            tokens: old.tokens,
            usd: old.usd,
            warn_at: Some(old.warn_at),
        });
        let limit = limit(old.id, old.subject, old.window, allowance)?;
        if !self.ledger.update_limit(&limit).await? {
            return Err(limit_not_found(id));
        }
        Ok(self.installed(limit))
    }

    /// Removes a limit.
    ///
    /// # Errors
    /// `limit_not_found`.
    pub async fn delete_limit(&self, id: &LimitId) -> Result<()> {
        let _alone = self.changing.lock().await;
        if !self.ledger.delete_limit(id).await? {
            return Err(limit_not_found(id));
        }
        self.meter.lock().limits().retain(|limit| limit.id != *id);
        Ok(())
    }

    /// Guards a workspace whose providers cost money: it gets a limit of [`FIRST_LIMIT_USD`] a day,
    /// once, unless the owner has set limits already. The owner may change or remove it.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn guard_spending(&self) -> Result<()> {
        let allowance = Allowance { usd: Some(FIRST_LIMIT_USD), ..Allowance::default() };
        let limit = limit(self.ids.fresh(), Subject::Workspace, Window::Day, allowance)?;
        let _alone = self.changing.lock().await;
        if self.ledger.create_first_limit(&limit).await? {
            tracing::info!(
                "models that cost money may use {FIRST_LIMIT_USD} US dollars a day; see `atelier limits`"
            );
            self.installed(limit);
        }
        Ok(())
    }

    /// What whoever asks should know: which limit is nearly used up.
    pub fn warning(&self, origin: &Origin, provider: Option<&str>) -> Option<String> {
        let mut subjects = subjects_of(&origin.actor);
        subjects.extend(provider.map(|name| Subject::Provider(name.to_owned())));
        let now = self.clock.now();
        let mut meter = self.meter.lock();
        let limits: Vec<Limit> = meter.limits().clone();
        let near = limits.iter().filter(|limit| subjects.contains(&limit.subject));
        let near = near.map(|limit| meter.standing(limit, now)).filter(|it| it.state != LimitState::Ok);
        let nearest = near.max_by(|one, other| one.share().total_cmp(&other.share()))?;
        Some(nearest.to_string())
    }

    fn installed(&self, limit: Limit) -> LimitStanding {
        let mut meter = self.meter.lock();
        let limits = meter.limits();
        match limits.iter_mut().find(|other| other.id == limit.id) {
            Some(place) => *place = limit.clone(),
            None => limits.push(limit.clone()),
        }
        meter.standing(&limit, self.clock.now())
    }
}

/// For the router.
impl Accounting {
    pub(crate) async fn slot(&self) -> Option<Slot> {
        self.recorder.slot().await
    }

    pub(crate) fn note(&self, call: Call, slot: Option<Slot>) {
        self.recorder.note(call, slot);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn fresh_id(&self) -> CallId {
        self.ids.fresh()
    }

    /// Counts one question of `subjects` and keeps room for what it may consume.
    pub(crate) fn admit(&self, subjects: &[Subject], estimate: Amount) -> std::result::Result<(), Error> {
        self.meter.lock().admit(subjects, estimate, self.clock.now()).map_err(Error::from)
    }

    /// Whether a provider may be asked once more.
    pub(crate) fn has_room(&self, provider: &str, wanted: Amount) -> std::result::Result<(), Error> {
        let mut meter = self.meter.lock();
        if meter.limits().is_empty() {
            return Ok(());
        }
        let subject = Subject::Provider(provider.to_owned());
        let one = Amount { requests: 1, ..wanted };
        meter.check(&[subject], one, self.clock.now()).map_err(Error::from)
    }

    pub(crate) fn settle(&self, subjects: &[Subject], estimate: Amount, used: Amount) {
        for due in self.meter.lock().settle(subjects, estimate, used, self.clock.now()) {
            tracing::warn!(limit = %due.limit.id, state = %due.state, "{due}");
        }
    }

    pub(crate) fn cached(&self, request: &Request) -> Option<Completion> {
        let cache = self.cache.as_ref()?;
        cache.find(&AnswerCache::key(request)?)
    }

    /// Remembers an answer, where that is wanted and it would be the same again.
    pub(crate) fn keep(&self, request: &Request, completion: &Completion) {
        if let Some(cache) = &self.cache
            && let Some(key) = AnswerCache::key(request)
        {
            cache.keep(key, completion);
        }
    }
}

impl LimitStanding {
    fn share(&self) -> f64 {
        self.limit.share(self.used)
    }
}

/// For a sentence to a person.
impl std::fmt::Display for LimitStanding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = (self.share() * 100.0).floor();
        write!(f, "{percent} % of {} is used; there is room again at {}", self.limit, self.resets_at)
    }
}

impl From<meter::Refused> for Error {
    fn from(refused: meter::Refused) -> Self {
        let meter::Refused { limit, is_rate, retry_after } = refused;
        Self::LimitReached { limit, is_rate, retry_after }
    }
}

impl From<Usage> for Amount {
    fn from(usage: Usage) -> Self {
        Self { requests: 0, tokens: usage.tokens_in.saturating_add(usage.tokens_out), usd: usage.usd }
    }
}

/// Whose limits hold for what `actor` asks.
pub(crate) fn subjects_of(actor: &Actor) -> Vec<Subject> {
    match actor {
        Actor::Token(id) => vec![Subject::Workspace, Subject::Token(id.clone())],
        Actor::Owner | Actor::System => vec![Subject::Workspace],
    }
}

fn limit(id: LimitId, subject: Subject, window: Window, allowance: Allowance) -> Result<Limit> {
    let Allowance { requests, tokens, usd, warn_at } = allowance;
    if requests.is_none() && tokens.is_none() && usd.is_none() {
        return Err(kernel::Error::conflict("limit_empty", "This would limit nothing")
            .with_hint("Name a number of requests, tokens or US dollars; or delete the limit"));
    }
    Ok(Limit { id, subject, window, requests, tokens, usd, warn_at: warn_at.unwrap_or(USUAL_WARN_AT) })
}

fn limit_not_found(id: &LimitId) -> kernel::Error {
    kernel::Error::not_found("limit_not_found", format!("There is no limit with the id {id}"))
        .with_hint("`atelier limits list` lists them")
}

async fn restore(meter: &mut Meter, ledger: &dyn Ledger, now: Timestamp) -> Result<()> {
    for window in [Window::Day, Window::Month] {
        let spending = ledger.spending(Timestamp(window.period(now).0)).await?;
        for (actor, used) in spending.by_actor {
            for subject in subjects_of(&Actor::from(actor.as_str())) {
                meter.restore(subject, window, used, now);
            }
        }
        for (provider, used) in spending.by_provider {
            meter.restore(Subject::Provider(provider), window, used, now);
        }
    }
    let mut recent = ledger.calls_since(Timestamp(Window::Minute.period(now).0)).await?;
    recent.sort_by_key(Call::ended_at);
    for call in recent {
        let at = call.ended_at();
        let is_counted = !matches!(call.outcome, CallOutcome::Refused | CallOutcome::FromCache);
        for subject in subjects_of(&call.origin.actor).into_iter().filter(|_| is_counted) {
            let used = Amount { requests: 1, ..Amount::from(call.usage) };
            meter.restore(subject, Window::Minute, used, at);
        }
        for attempt in call.attempts {
            let used = Amount { requests: 1, ..Amount::from(attempt.usage.unwrap_or_default()) };
            meter.restore(Subject::Provider(attempt.provider), Window::Minute, used, at);
        }
    }
    Ok(())
}
