//! Every way in, against the simulator.

mod approval;
mod codes;
mod matrix;
mod sessions;
mod token;
mod value;
mod waits;

use std::{sync::Arc, time::Duration};

use wheelhouse_core::Clock;
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_robinhood::{ApprovalFlow, RobinhoodAuth, RobinhoodConfig, StoredDevices};
use wheelhouse_session::{
    AnswerRequest, Challenge, ChallengeAnswer, Credentials, EncryptedStore, Identity, Login,
    LoginRequest, MemoryStore, OpenLogin, Session, SessionManager, SessionStore,
};
use wheelhouse_sim::{
    Sim,
    robinhood::{LoginFlow, LoginOutcome, Settings, UserSpec},
};

use crate::rig::{self, SkipClock, USER, credentials};

const FLOWS: [ApprovalFlow; 2] = [ApprovalFlow::Pathfinder, ApprovalFlow::Identi];

/// A login under way, in a process of its own: nothing is shared but the simulator, its clock and what
/// lies in the store.
struct Door<S: SessionStore + Clone = MemoryStore> {
    sim: Arc<Sim>,
    clock: SkipClock,
    config: RobinhoodConfig,
    auth: Arc<RobinhoodAuth>,
    manager: SessionManager,
    devices: Arc<StoredDevices<EncryptedStore<S>>>,
    store: EncryptedStore<S>,
}

impl Door {
    async fn new(settings: Settings) -> Self {
        Self::with(settings, ApprovalFlow::Auto).await
    }

    async fn with(settings: Settings, flow: ApprovalFlow) -> Self {
        let (sim, clock) = rig::start(settings, UserSpec::demo()).await;
        let mut config = rig::config(&sim);
        config.approval = flow;
        Self::at(sim, clock, config, sealed(MemoryStore::new()))
    }
}

impl<S: SessionStore + Clone> Door<S> {
    fn at(
        sim: Arc<Sim>,
        clock: SkipClock,
        config: RobinhoodConfig,
        store: EncryptedStore<S>,
    ) -> Self {
        let devices = Arc::new(StoredDevices::new(store.clone(), Arc::new(clock.clone())));
        let auth = RobinhoodAuth::new(config.clone(), rig::http(&clock)).unwrap();
        let auth = Arc::new(auth.with_devices(devices.clone()));
        let manager = SessionManager::builder(store.clone())
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        Self {
            sim,
            clock,
            config,
            auth,
            manager,
            devices,
            store,
        }
    }

    fn settings(&self) -> Settings {
        let mut copy = None;
        self.sim
            .robinhood()
            .change_settings(|settings| copy = Some(settings.clone()));
        copy.unwrap()
    }

    async fn knock(&self) -> wheelhouse_core::Result<Login> {
        self.knock_as(credentials()).await
    }

    async fn knock_as(&self, credentials: Credentials) -> wheelhouse_core::Result<Login> {
        self.manager
            .create(LoginRequest::new(self.auth.clone(), credentials))
            .await
    }

    async fn answer(
        &self,
        open: &OpenLogin,
        answer: ChallengeAnswer,
    ) -> wheelhouse_core::Result<Login> {
        self.manager
            .answer(AnswerRequest::new(self.auth.clone(), &open.id, answer))
            .await
    }

    /// Polls as it is asked to, until something else comes.
    async fn approve(&self, login: Login) -> wheelhouse_core::Result<Login> {
        self.approve_for(login, 60).await
    }

    async fn approve_for(&self, mut login: Login, polls: u32) -> wheelhouse_core::Result<Login> {
        for _ in 0..polls {
            let Login::Challenge(open) = &login else {
                return Ok(login);
            };
            let Challenge::Approve { poll_after, .. } = open.challenge else {
                return Ok(login);
            };
            let wait = Duration::try_from(poll_after - self.clock.now()).unwrap_or_default();
            self.clock.0.skip(wait);
            login = self.answer(open, ChallengeAnswer::Poll).await?;
        }
        panic!("it is polled without end");
    }

    /// How many logins wait for an answer.
    async fn waiting(&self) -> usize {
        let identity = Identity::new(USER).unwrap();
        let open = self.manager.open_logins(&*self.auth, &identity).await;
        open.unwrap().len()
    }

    fn outcomes(&self) -> Vec<LoginOutcome> {
        let logins = self.sim.robinhood().ledger().logins();
        logins.iter().map(|login| login.outcome).collect()
    }
}

/// What the simulator's user gets by SMS and mail.
const CODE: &str = "758447";

fn sealed<S: SessionStore>(store: S) -> EncryptedStore<S> {
    let key = Key::from_bytes(std::array::from_fn(|n| n as u8)).unwrap();
    EncryptedStore::new(store, KeyRing::new(key))
}

fn settings(login: LoginFlow) -> Settings {
    let mut settings = Settings::new();
    settings.login = login;
    settings
}

fn open(login: Login) -> OpenLogin {
    match login {
        Login::Challenge(open) => open,
        other => panic!("{other:?}"),
    }
}

fn ready(login: Login) -> Session {
    match login {
        Login::Ready(session) => session,
        other => panic!("{other:?}"),
    }
}

fn open_of(login: &Login) -> &OpenLogin {
    match login {
        Login::Challenge(open) => open,
        other => panic!("{other:?}"),
    }
}
