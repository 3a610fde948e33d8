use std::time::Duration;

use futures_util::future::join_all;
use wheelhouse_sim::robinhood::RefreshReuse;

use super::crew::{Crew, HOUR, Tally, Worker};

const ROUNDS: usize = 100;
const BEYOND_THE_LEASE: Duration = Duration::from_secs(61);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_2_eight_processes_share_each_of_a_hundred_refreshes() {
    let crew = Crew::new(|_| {}).await;
    let mut workers = Vec::new();
    for number in 0..8 {
        let mut worker = crew.worker().await;
        let expected = if number == 0 { "ok new" } else { "ok resumed" };
        assert_eq!(worker.ask("connect").await, expected);
        workers.push(worker);
    }
    for round in 1..=ROUNDS {
        // By turns the token's time is over, and the broker ends it early.
        if round % 2 == 0 {
            crew.advance(HOUR);
        } else {
            crew.advance(HOUR / 4);
            crew.sim.robinhood().expire_access_tokens();
        }
        let reads = workers.iter_mut().map(|worker| worker.read(3));
        for generation in join_all(reads).await {
            assert_eq!(generation, round as u64 + 1);
        }
    }
    assert_eq!(crew.tally(), after(ROUNDS));
    assert_eq!(crew.stored_version().await, ROUNDS as u64 + 1);
}

/// Single use: what a stopped process has begun, another one carries through, and the stopped one
/// sends nothing when it wakes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_3_a_stopped_process_sends_no_refresh_token_that_was_used_meanwhile() {
    let crew = Crew::new(|_| {}).await;
    let mut pair = pair(&crew).await;
    for round in 1..=ROUNDS {
        pair.reverse();
        let [holder, other] = &mut pair;
        crew.advance(HOUR);
        let point = if round % 4 < 2 { "sending" } else { "loaded" };
        crew.stage(format!("round {round}, stopped at {point}"));
        holder.tell(&format!("arm {point}")).await;
        holder.tell("read 1").await;
        assert_eq!(holder.hear().await, format!("at {point}"));
        holder.stop().await;
        crew.advance(BEYOND_THE_LEASE);
        let won = other.read(1).await;
        holder.tell("go").await;
        holder.carry_on().await;
        let adopted = holder.result().await;
        assert_eq!((adopted, won), (won, round as u64 + 1));
        assert_eq!((holder.conflicts, other.conflicts), (0, 0));
        assert_eq!(crew.tally(), after(round), "stopped at {point}");
        assert_eq!(crew.stored_version().await, round as u64 + 1);
    }
}

/// With a broker that takes a used refresh token once more, the stopped process has tokens of its
/// own: those that were written meanwhile are newer and stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_3_a_stopped_process_writes_nothing_over_newer_tokens() {
    let crew = Crew::new(|settings| settings.refresh_reuse = RefreshReuse::Accept).await;
    let mut pair = pair(&crew).await;
    let mut refused = 0;
    for round in 1..=ROUNDS {
        pair.reverse();
        let [holder, other] = &mut pair;
        crew.advance(HOUR);
        let before = other.conflicts + holder.conflicts;
        crew.stage(format!("round {round}, stopped at writing"));
        holder.tell("arm writing").await;
        holder.tell("read 1").await;
        assert_eq!(holder.hear().await, "at writing");
        holder.stop().await;
        crew.advance(BEYOND_THE_LEASE);
        let won = other.read(1).await;
        holder.tell("go").await;
        holder.carry_on().await;
        let adopted = holder.result().await;
        assert_eq!((adopted, won), (won, round as u64 + 1));
        refused += other.conflicts + holder.conflicts - before;
        // What was written last is what the broker takes: it has ended all older tokens.
        assert_eq!(other.read(1).await, won);
        assert_eq!(crew.stored_version().await, round as u64 + 1);
    }
    assert_eq!(
        refused as usize, ROUNDS,
        "writes that the store has refused"
    );
    let Tally {
        refreshes, logins, ..
    } = crew.tally();
    assert_eq!((refreshes, logins), (2 * ROUNDS, 1));
}

/// As before, with the answer of the broker under way while the process is stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_3_a_process_stopped_before_its_answer_comes_takes_over_newer_tokens() {
    let crew = Crew::new(|settings| settings.refresh_reuse = RefreshReuse::Accept).await;
    let mut pair = pair(&crew).await;
    for round in 1..=ROUNDS {
        pair.reverse();
        let [holder, other] = &mut pair;
        crew.advance(HOUR);
        crew.stage(format!("round {round}, stopped with the answer under way"));
        crew.relay.keep_answers(true);
        holder.tell("read 1").await;
        while crew.tally().refreshes == 2 * round - 2 {
            tokio::task::yield_now().await;
        }
        holder.stop().await;
        crew.relay.keep_answers(false);
        crew.advance(BEYOND_THE_LEASE);
        let won = other.read(1).await;
        holder.carry_on().await;
        let adopted = holder.result().await;
        assert_eq!((adopted, won), (won, round as u64 + 1));
        assert_eq!(other.read(1).await, won);
        assert_eq!(crew.stored_version().await, round as u64 + 1);
    }
    let Tally {
        refreshes, logins, ..
    } = crew.tally();
    assert_eq!((refreshes, logins), (2 * ROUNDS, 1));
}

async fn pair(crew: &Crew) -> [Worker; 2] {
    let mut pair = [crew.watched("one").await, crew.watched("two").await];
    assert_eq!(pair[0].ask("connect").await, "ok new");
    assert_eq!(pair[1].ask("connect").await, "ok resumed");
    pair
}

/// So many refreshes, no reuse and no login but the first.
fn after(refreshes: usize) -> Tally {
    Tally {
        refreshes,
        refused: 0,
        reused: 0,
        logins: 1,
        granted: 1,
    }
}
