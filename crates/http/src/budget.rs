use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::RetryPolicy;

/// Bounds all retries of a client together: a share of its calls, and a few a second.
#[derive(Debug)]
pub(crate) struct Budget {
    per_call: u64,
    per_second: u64,
    account: Mutex<Account>,
}

/// Counts thousandths of a retry.
#[derive(Debug)]
struct Account {
    earned: u64,
    floor: u64,
    refilled_at: Duration,
}

/// One retry.
const RETRY: u64 = 1_000;
/// What may be saved up from calls: as much as 500 calls earn at 20 %.
const MAX_EARNED: u64 = 100 * RETRY;

impl Budget {
    pub(crate) fn new(policy: &RetryPolicy, now: Duration) -> Self {
        let per_second = u64::from(policy.budget_floor) * RETRY;
        Self {
            per_call: u64::from(policy.budget_percent) * RETRY / 100,
            per_second,
            account: Mutex::new(Account {
                earned: 0,
                floor: per_second,
                refilled_at: now,
            }),
        }
    }

    /// Hears of a call that is sent for the first time.
    pub(crate) fn earn(&self) {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.earned = (account.earned + self.per_call).min(MAX_EARNED);
    }

    /// Pays for one retry, if there is enough.
    pub(crate) fn spend(&self, now: Duration) -> bool {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_sub(account.refilled_at);
        let refill = elapsed.as_millis().min(1_000) as u64 * self.per_second / 1_000;
        if refill > 0 {
            account.floor = (account.floor + refill).min(self.per_second);
            account.refilled_at = now;
        }
        let Account { earned, floor, .. } = &mut *account;
        match (*floor >= RETRY, *earned >= RETRY) {
            (true, _) => *floor -= RETRY,
            (false, true) => *earned -= RETRY,
            (false, false) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_of_failure_stay_within_a_fifth_and_ten_a_second() {
        let budget = Budget::new(&RetryPolicy::default(), Duration::ZERO);
        let (mut calls, mut retries) = (0_u64, 0_u64);
        for millis in (0..600_000).step_by(10) {
            calls += 1;
            budget.earn();
            for _ in 0..2 {
                retries += u64::from(budget.spend(Duration::from_millis(millis)));
            }
        }
        let allowed = calls / 5 + 600 * 10;
        assert!(retries <= allowed + 10, "{retries} of {allowed}");
        assert!(
            retries >= allowed * 9 / 10,
            "{retries} of {allowed}: the budget is too tight"
        );
    }

    #[test]
    fn a_quiet_client_may_retry_ten_times_at_once_and_no_more() {
        let budget = Budget::new(&RetryPolicy::default(), Duration::ZERO);
        let now = Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| budget.spend(now)).count(), 10);
    }
}
