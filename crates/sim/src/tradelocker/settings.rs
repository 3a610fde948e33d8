//! How the simulated broker behaves where the real one leaves room.

use std::time::Duration;

use super::{columns::Columns, limits::RateLimits};

/// What happens when a refresh token is used a second time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefreshReuse {
    /// It works as often as you like.
    Accept,
    /// It is refused; the pair that replaced it stays valid.
    #[default]
    Refuse,
    /// It is refused, and the session with all its tokens ends.
    RevokeSession,
}

/// What happens when a user logs in often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionLimit {
    /// A login beyond this number ends the oldest session.
    EvictOldest(usize),
    /// A login beyond this number is refused with 403.
    Refuse(usize),
    /// Any number of sessions.
    #[default]
    Unlimited,
}

/// The broker's behaviour; may be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Life of an access token, in whole seconds. Default 3,600 s.
    pub access_token_life: Duration,
    /// Life of a refresh token, in whole seconds. Default 7 days.
    pub refresh_token_life: Duration,
    /// What a used refresh token does. Default: it is refused.
    pub refresh_reuse: RefreshReuse,
    /// How many sessions a user may have. Default: any number.
    pub session_limit: SessionLimit,
    /// Status of a login with wrong credentials: 400 (documented, the default) or 401 (seen).
    pub bad_credentials_status: u16,
    /// Rate limits that are published and enforced. Default: as captured.
    pub rate_limits: RateLimits,
    /// Order and set of the columns. Default: as captured.
    pub columns: Columns,
    /// Most rows of `ordersHistory`; beyond it `hasMore` is true. Default 10,000.
    pub history_rows: usize,
    /// Most bars of `history`. Default 50,000.
    pub history_bars: usize,
    /// How long new orders, positions and history rows stay out of sight of reads. Default 0.
    pub visible_after: Duration,
    /// Whether cancel, modify and close are answered with 204 and no body. Default false.
    pub no_content_writes: bool,
    /// Whether prices have to be multiples of the tick size. Default true.
    pub check_ticks: bool,
    /// Longest `strategyId` in characters. Default 32.
    pub strategy_id_length: usize,
    /// Whether tokens from an earlier run of a simulator with the same seed are good, as a broker's
    /// are across its restarts. Default false.
    pub earlier_runs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token_life: Duration::from_secs(3_600),
            refresh_token_life: Duration::from_secs(7 * 24 * 3_600),
            refresh_reuse: RefreshReuse::default(),
            session_limit: SessionLimit::default(),
            bad_credentials_status: 400,
            rate_limits: RateLimits::captured(),
            columns: Columns::default(),
            history_rows: 10_000,
            history_bars: 50_000,
            visible_after: Duration::ZERO,
            no_content_writes: false,
            check_ticks: true,
            strategy_id_length: 32,
            earlier_runs: false,
        }
    }
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the life of access tokens.
    #[must_use]
    pub fn access_token_life(mut self, life: Duration) -> Self {
        self.access_token_life = life;
        self
    }

    /// Sets the life of refresh tokens.
    #[must_use]
    pub fn refresh_token_life(mut self, life: Duration) -> Self {
        self.refresh_token_life = life;
        self
    }

    /// Sets what a used refresh token does.
    #[must_use]
    pub fn refresh_reuse(mut self, reuse: RefreshReuse) -> Self {
        self.refresh_reuse = reuse;
        self
    }

    /// Sets how many sessions a user may have.
    #[must_use]
    pub fn session_limit(mut self, limit: SessionLimit) -> Self {
        self.session_limit = limit;
        self
    }

    /// Sets the rate limits.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Sets order and set of the columns.
    #[must_use]
    pub fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }

    /// Sets whether tokens from an earlier run with the same seed are good.
    #[must_use]
    pub fn earlier_runs(mut self, earlier_runs: bool) -> Self {
        self.earlier_runs = earlier_runs;
        self
    }

    /// Sets how long changes stay out of sight of reads.
    #[must_use]
    pub fn visible_after(mut self, delay: Duration) -> Self {
        self.visible_after = delay;
        self
    }

    /// Sets the status of a login with wrong credentials.
    #[must_use]
    pub fn bad_credentials_status(mut self, status: u16) -> Self {
        self.bad_credentials_status = status;
        self
    }

    /// Sets the most rows of `ordersHistory`.
    #[must_use]
    pub fn history_rows(mut self, rows: usize) -> Self {
        self.history_rows = rows;
        self
    }

    /// Sets the most bars of `history`.
    #[must_use]
    pub fn history_bars(mut self, bars: usize) -> Self {
        self.history_bars = bars;
        self
    }

    /// Sets whether cancel, modify and close are answered with 204.
    #[must_use]
    pub fn no_content_writes(mut self, no_content: bool) -> Self {
        self.no_content_writes = no_content;
        self
    }

    /// Sets whether prices have to be multiples of the tick size.
    #[must_use]
    pub fn check_ticks(mut self, check: bool) -> Self {
        self.check_ticks = check;
        self
    }

    /// Sets the longest `strategyId` in characters.
    #[must_use]
    pub fn strategy_id_length(mut self, characters: usize) -> Self {
        self.strategy_id_length = characters;
        self
    }

    /// Final orders that are remembered: more than are shown, so that `hasMore` can be true.
    pub(super) fn history_rows_kept(&self) -> usize {
        self.history_rows.saturating_mul(2).max(10_000)
    }
}
