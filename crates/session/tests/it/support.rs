use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::{Semaphore, oneshot};
use wheelhouse_core::{
    AccessToken, BrokerId, Clock, Effect, Error, ErrorKind, ExposeSecret, Result, RetryAdvice,
};
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_session::{
    Authenticator, Challenge, ChallengeAnswer, Credentials, EncryptedStore, Grant, LeaseRequest,
    LoginRequest, LoginStep, MemoryStore, PendingLogin, Record, RecordHead, RecordKey, RecordQuery,
    Session, SessionManager, SessionPolicy, SessionStore, StoreError, Write,
};
use wheelhouse_testkit::{ManualClock, SeededRandom};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const PASSWORD: &str = "pass-canary-1";

/// What happens to the next refresh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// The broker acts, and its answer is lost.
    AnswerLost,
    /// The broker answers with a failure after acting on nothing.
    Failure,
    /// The adapter has no way to refresh.
    Impossible,
    /// Nothing was sent.
    NotSent,
    /// The broker asks to wait so many seconds.
    RateLimited(u64),
    /// The broker refuses a token that is good.
    Refused,
    /// The request is lost on its way; the caller cannot tell.
    RequestLost,
    /// The answer has no refresh token, and the old one stays good.
    SameRefreshToken,
}

/// A broker with hourly access tokens and refresh tokens that are good once: using one again ends the
/// session, as brokers that detect reuse do. It has a clock of its own.
pub(crate) struct FakeBroker {
    clock: ManualClock,
    state: Mutex<State>,
    /// Refreshes pass only with a permit while this is closed.
    gate: Semaphore,
    gated: AtomicBool,
    /// Logins pass only with a permit, if this says so.
    login_gate: Semaphore,
    logins_gated: AtomicBool,
    pub(crate) challenge: AtomicBool,
    /// Users have to approve logins in an app.
    pub(crate) approval: AtomicBool,
    pub(crate) policy: Mutex<SessionPolicy>,
    pub(crate) realm: Mutex<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    ahead: time::Duration,
    faults: VecDeque<Fault>,
    logins: u32,
    approvals: u32,
    refreshes: u32,
    posts: u32,
    alarms: u32,
    failing_revocations: u32,
    revocations_after: Option<Duration>,
    next: u32,
    families: HashMap<u32, Family>,
    revoked: HashSet<u32>,
    answers: Vec<String>,
}

#[derive(Debug)]
struct Family {
    number: u32,
    access: HashMap<String, OffsetDateTime>,
    refresh: String,
    used: HashSet<String>,
}

impl std::fmt::Debug for FakeBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeBroker")
    }
}

impl FakeBroker {
    pub(crate) fn new(clock: &ManualClock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            state: Mutex::default(),
            gate: Semaphore::new(0),
            gated: AtomicBool::new(false),
            login_gate: Semaphore::new(0),
            logins_gated: AtomicBool::new(false),
            challenge: AtomicBool::new(false),
            approval: AtomicBool::new(false),
            policy: Mutex::new(SessionPolicy::new().with_jitter_percent(0)),
            realm: Mutex::new("demo"),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// True time: it passes with the clock and does not see its jumps.
    fn now(&self, state: &State) -> OffsetDateTime {
        let start = time::macros::datetime!(2026-01-05 12:00 UTC);
        start + state.ahead + self.clock.monotonic()
    }

    /// Time passes for the broker while the machine sleeps.
    pub(crate) fn sleep_through(&self, time: time::Duration) {
        self.state().ahead += time;
    }

    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    pub(crate) fn close_gate(&self) {
        self.gated.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open_gate(&self) {
        self.gated.store(false, Ordering::SeqCst);
        self.gate.add_permits(1000);
    }

    /// Holds up the logins that come from now on.
    pub(crate) fn hold_logins(&self) {
        self.logins_gated.store(true, Ordering::SeqCst);
    }

    pub(crate) fn let_logins_through(&self) {
        self.logins_gated.store(false, Ordering::SeqCst);
        self.login_gate.add_permits(1000);
    }

    /// Lets one refresh through the closed gate.
    pub(crate) fn let_one_through(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn logins(&self) -> u32 {
        self.state().logins
    }

    /// Returns how often a user was asked to approve.
    pub(crate) fn approvals(&self) -> u32 {
        self.state().approvals
    }

    fn push(&self) -> LoginStep {
        self.state().approvals += 1;
        LoginStep::Challenge(waiting())
    }

    /// Returns how many refreshes the broker has acted on.
    pub(crate) fn refreshes(&self) -> u32 {
        self.state().refreshes
    }

    /// Returns how many refreshes were tried.
    pub(crate) fn posts(&self) -> u32 {
        self.state().posts
    }

    /// Returns how often a used refresh token came again.
    pub(crate) fn alarms(&self) -> u32 {
        self.state().alarms
    }

    pub(crate) fn revoked(&self) -> usize {
        self.state().revoked.len()
    }

    /// Lets so many revocations fail, as without a network.
    pub(crate) fn fail_revocations(&self, count: u32) {
        self.state().failing_revocations = count;
    }

    /// Lets one revocation fail with a wait.
    pub(crate) fn put_off_revocation(&self, wait: Duration) {
        let mut state = self.state();
        (state.failing_revocations, state.revocations_after) = (1, Some(wait));
    }

    pub(crate) fn failing_revocations(&self) -> u32 {
        self.state().failing_revocations
    }

    pub(crate) fn answers(&self) -> Vec<String> {
        self.state().answers.clone()
    }

    /// Tells whether the broker would take the token now.
    pub(crate) fn takes(&self, token: &AccessToken) -> bool {
        let state = self.state();
        let now = self.now(&state);
        state.families.values().any(|family| {
            !state.revoked.contains(&family.number)
                && family
                    .access
                    .get(token.expose())
                    .is_some_and(|end| now < *end)
        })
    }

    fn grant(&self, state: &mut State, number: u32) -> Grant {
        state.next += 1;
        let (access, refresh) = (
            format!("access-canary-{}", state.next),
            format!("refresh-canary-{}", state.next),
        );
        let end = self.now(state) + time::Duration::HOUR;
        let family = state.families.entry(number).or_insert_with(|| Family {
            number,
            access: HashMap::new(),
            refresh: String::new(),
            used: HashSet::new(),
        });
        family.access.insert(access.clone(), end);
        let old = std::mem::replace(&mut family.refresh, refresh.clone());
        family.used.insert(old);
        Grant::new(access.into())
            .with_expiry(end)
            .with_refresh_token(refresh.into())
            .with_refresh_expiry(end + time::Duration::days(7))
            .with_extra("family", number.to_string().into())
    }

    fn log_in(&self) -> Grant {
        let mut state = self.state();
        let number = state.families.len() as u32 + 1;
        self.grant(&mut state, number)
    }

    fn rotate(&self, token: &str) -> Result<Grant> {
        let mut state = self.state();
        let refused = || Error::new(ErrorKind::RefreshRefused, "the refresh token is refused");
        let found = state
            .families
            .values()
            .find(|family| family.refresh == token || family.used.contains(token))
            .map(|family| (family.number, family.refresh == token));
        let Some((number, current)) = found else {
            return Err(refused());
        };
        if !current {
            state.alarms += 1;
            state.revoked.insert(number);
        }
        if state.revoked.contains(&number) {
            return Err(refused());
        }
        state.refreshes += 1;
        Ok(self.grant(&mut state, number))
    }
}

fn waiting() -> PendingLogin {
    PendingLogin::new(Challenge::Approve {
        poll_after: OffsetDateTime::UNIX_EPOCH,
        until: None,
    })
}

fn lost() -> Error {
    Error::new(ErrorKind::Timeout, "no answer came").with_effect(Effect::MaybeApplied)
}

#[async_trait]
impl Authenticator for FakeBroker {
    fn broker(&self) -> BrokerId {
        BrokerId::tradelocker()
    }

    fn realm(&self) -> String {
        (*self.realm.lock().unwrap()).into()
    }

    fn policy(&self) -> SessionPolicy {
        self.policy.lock().unwrap().clone()
    }

    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep> {
        tokio::task::yield_now().await;
        self.state().logins += 1;
        if self.logins_gated.load(Ordering::SeqCst) {
            self.login_gate.acquire().await.unwrap().forget();
        }
        match credentials.password().expose_secret() {
            PASSWORD => {}
            "down" => return Err(Error::new(ErrorKind::Network, "the connection was refused")),
            "html" => return Err(Error::new(ErrorKind::NotTheProtocol, "a page came back")),
            "busy" => return Err(Error::new(ErrorKind::LoginRateLimited, "too many logins")),
            "fails" => return Err(Error::new(ErrorKind::BrokerFailure, "the broker failed")),
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidCredentials,
                    "the broker does not accept these credentials",
                ));
            }
        }
        if self.approval.load(Ordering::SeqCst) {
            return Ok(self.push());
        }
        if self.challenge.load(Ordering::SeqCst) {
            let state = b"state-canary-1".to_vec();
            return Ok(LoginStep::Challenge(
                PendingLogin::new(Challenge::Totp).with_state(state),
            ));
        }
        Ok(LoginStep::Granted(self.log_in()))
    }

    async fn answer(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep> {
        let code = match answer {
            ChallengeAnswer::Code(code) => code,
            ChallengeAnswer::Done => return Ok(self.push()),
            ChallengeAnswer::Poll => return Ok(LoginStep::Challenge(waiting())),
            _ => return Err(Error::new(ErrorKind::InvalidInput, "a code is expected")),
        };
        let state = String::from_utf8(pending.state().to_vec()).unwrap();
        let password = pending.credentials().is_some();
        self.state().answers.push(format!("{state} {password}"));
        match code.expose_secret() {
            "123456" => Ok(LoginStep::Granted(self.log_in())),
            "second" => Ok(LoginStep::Challenge(
                PendingLogin::new(Challenge::Totp).with_state(b"state-canary-2".to_vec()),
            )),
            _ => Err(Error::new(ErrorKind::MfaRequired, "the code is wrong")),
        }
    }

    async fn refresh(&self, grant: &Grant) -> Result<Grant> {
        let fault = {
            let mut state = self.state();
            state.posts += 1;
            state.faults.pop_front()
        };
        if self.gated.load(Ordering::SeqCst) {
            self.gate.acquire().await.unwrap().forget();
        }
        tokio::task::yield_now().await;
        let token = grant.refresh_token().unwrap().expose_secret();
        match fault {
            None => self.rotate(token),
            Some(Fault::AnswerLost) => self.rotate(token).and(Err(lost())),
            Some(Fault::Failure) => Err(Error::new(ErrorKind::BrokerFailure, "the broker failed")),
            Some(Fault::Impossible) => Err(Error::new(
                ErrorKind::Unsupported,
                "this broker has no refresh",
            )),
            Some(Fault::NotSent) => Err(Error::new(ErrorKind::Network, "connection refused")),
            Some(Fault::RateLimited(seconds)) => Err(Error::new(ErrorKind::RateLimited, "slower")
                .with_advice(RetryAdvice::After(Duration::from_secs(seconds)))),
            Some(Fault::Refused) => Err(Error::new(
                ErrorKind::RefreshRefused,
                "the refresh token is refused",
            )),
            Some(Fault::RequestLost) => Err(lost()),
            Some(Fault::SameRefreshToken) => {
                let fresh = self.rotate(token)?;
                let mut state = self.state();
                let number: u32 = fresh
                    .extra("family")
                    .unwrap()
                    .expose_secret()
                    .parse()
                    .unwrap();
                let family = state.families.get_mut(&number).unwrap();
                family.refresh = token.to_owned();
                family.used.remove(token);
                Ok(Grant::new(fresh.access_token().clone())
                    .with_expiry(fresh.expires_at().unwrap()))
            }
        }
    }

    async fn revoke(&self, grant: &Grant) -> Result<()> {
        let number = grant
            .extra("family")
            .unwrap()
            .expose_secret()
            .parse()
            .unwrap();
        let mut state = self.state();
        if state.failing_revocations > 0 {
            state.failing_revocations -= 1;
            return Err(match state.revocations_after {
                Some(wait) => Error::new(ErrorKind::RateLimited, "slower")
                    .with_advice(RetryAdvice::After(wait)),
                None => Error::new(ErrorKind::Network, "the connection was refused"),
            });
        }
        state.revoked.insert(number);
        Ok(())
    }
}

/// A store that fails when told.
#[derive(Clone, Debug)]
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn SessionStore>,
    faults: Arc<StoreFaults>,
}

#[derive(Debug, Default)]
struct StoreFaults {
    writes: AtomicBool,
    /// Another process has the store.
    locked: AtomicBool,
    reads: AtomicBool,
    saves: AtomicU32,
    /// Deletes succeed and delete nothing.
    keep_deleted: AtomicBool,
    holds: Mutex<VecDeque<Hold>>,
}

/// Which call is held, who is told of it, and who lets it go.
type Hold = (Call, oneshot::Sender<()>, oneshot::Receiver<()>);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Call {
    Delete,
    Load,
    Save,
    /// A save that has not done its work yet.
    SaveToBe,
}

/// A call to the store that has done its work, unless it says otherwise, and does not return yet.
pub(crate) struct Held {
    pub(crate) reached: oneshot::Receiver<()>,
    pub(crate) release: oneshot::Sender<()>,
}

impl FaultyStore {
    pub(crate) fn new(inner: impl SessionStore) -> Self {
        Self {
            inner: Arc::new(inner),
            faults: Arc::default(),
        }
    }

    pub(crate) fn fail_writes(&self, fail: bool) {
        self.faults.writes.store(fail, Ordering::SeqCst);
    }

    pub(crate) fn fail_reads(&self, fail: bool) {
        self.faults.reads.store(fail, Ordering::SeqCst);
    }

    pub(crate) fn keep_deleted(&self) {
        self.faults.keep_deleted.store(true, Ordering::SeqCst);
    }

    /// Holds up the next such call that succeeds, between its work and its return; a
    /// [`Call::SaveToBe`] before its work.
    pub(crate) fn hold_next(&self, call: Call) -> Held {
        let (reach, reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let mut holds = self.faults.holds.lock().unwrap();
        holds.push_back((call, reach, released));
        Held { reached, release }
    }

    async fn pass(&self, call: Call) {
        let held = {
            let mut holds = self.faults.holds.lock().unwrap();
            let first = holds.iter().position(|(held, ..)| *held == call);
            first.and_then(|index| holds.remove(index))
        };
        if let Some((_, reach, released)) = held {
            let _ = reach.send(());
            let _ = released.await;
        }
    }

    /// Returns how many writes were tried.
    pub(crate) fn saves(&self) -> u32 {
        self.faults.saves.load(Ordering::SeqCst)
    }

    pub(crate) fn lock(&self, locked: bool) {
        self.faults.locked.store(locked, Ordering::SeqCst);
    }

    fn write(&self) -> Result<(), StoreError> {
        if self.faults.locked.load(Ordering::SeqCst) {
            return Err(StoreError::Locked);
        }
        match self.faults.writes.load(Ordering::SeqCst) {
            true => Err(StoreError::Write("the disk is full".into())),
            false => Ok(()),
        }
    }

    fn read(&self) -> Result<(), StoreError> {
        match self.faults.reads.load(Ordering::SeqCst) {
            true => Err(StoreError::Read("the disk is broken".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl SessionStore for FaultyStore {
    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        self.read()?;
        let loaded = self.inner.load(key, now).await?;
        self.pass(Call::Load).await;
        Ok(loaded)
    }

    async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError> {
        let before = self.faults.saves.fetch_add(1, Ordering::SeqCst);
        assert!(before < 20_000, "somebody writes without end");
        self.write()?;
        self.pass(Call::SaveToBe).await;
        self.inner.save(record, write).await?;
        self.pass(Call::Save).await;
        Ok(())
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        self.write()?;
        if self.faults.keep_deleted.load(Ordering::SeqCst) {
            return Ok(true);
        }
        let deleted = self.inner.delete(key).await?;
        self.pass(Call::Delete).await;
        Ok(deleted)
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        self.read()?;
        self.inner.list(query).await
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.write()?;
        self.inner.prune(now).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        self.write()?;
        self.inner.lease(request).await
    }
}

/// A broker, a clock, a store below the encryption, and a manager above it.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) broker: Arc<FakeBroker>,
    pub(crate) memory: MemoryStore,
    pub(crate) store: FaultyStore,
    pub(crate) manager: SessionManager,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let memory = MemoryStore::new();
        let store = FaultyStore::new(memory.clone());
        Self {
            broker: FakeBroker::new(&clock),
            manager: manager(&clock, store.clone(), 1),
            clock,
            memory,
            store,
        }
    }

    pub(crate) fn authenticator(&self) -> Arc<dyn Authenticator> {
        Arc::clone(&self.broker) as Arc<dyn Authenticator>
    }

    /// Another process with the same store and key.
    pub(crate) fn other_process(&self) -> SessionManager {
        self.process(2)
    }

    /// One of many processes with the same store and key; the first one is that of the manager.
    pub(crate) fn process(&self, number: u64) -> SessionManager {
        manager(&self.clock, self.store.clone(), number)
    }

    pub(crate) async fn log_in(&self) -> Session {
        self.log_in_as("demo@example.com").await
    }

    pub(crate) async fn log_in_as(&self, user: &str) -> Session {
        let request = LoginRequest::new(self.authenticator(), credentials(user, PASSWORD));
        self.manager.create(request).await.unwrap().ready().unwrap()
    }

    pub(crate) async fn try_log_in(&self, user: &str, password: &str) -> Result<Session> {
        let request = LoginRequest::new(self.authenticator(), credentials(user, password));
        self.manager.create(request).await?.ready()
    }

    pub(crate) async fn stored_sessions(&self) -> Vec<RecordHead> {
        let query = RecordQuery::new().with_kind(wheelhouse_session::RecordKind::SESSION);
        self.memory.list(&query).await.unwrap()
    }
}

pub(crate) fn keys() -> KeyRing {
    KeyRing::new(Key::from_bytes(*b"a key for tests, of 32 bytes. Ok").unwrap())
}

pub(crate) fn manager(clock: &ManualClock, store: FaultyStore, seed: u64) -> SessionManager {
    SessionManager::builder(EncryptedStore::new(store, keys()))
        .clock(Arc::new(clock.clone()))
        .random(Arc::new(SeededRandom::new(seed)))
        .build()
        .unwrap()
}

pub(crate) fn credentials(user: &str, password: &str) -> Credentials {
    Credentials::new(user, password.into())
        .unwrap()
        .with_field("server", "DEMO")
        .unwrap()
}

/// Lets the tasks that were started run.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
