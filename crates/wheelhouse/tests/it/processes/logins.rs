use futures_util::future::join_all;

use super::crew::{Crew, HOUR};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_processes_that_start_together_on_one_directory_one_logs_in() {
    let crew = Crew::new(|_| {}).await;
    let mut workers = join_all((0..8).map(|_| crew.worker())).await;
    let said = join_all(workers.iter_mut().map(|worker| worker.ask("connect"))).await;
    let new = said.iter().filter(|said| *said == "ok new").count();
    let resumed = said.iter().filter(|said| *said == "ok resumed").count();
    assert_eq!((new, resumed), (1, 7), "{said:?}");
    assert_eq!((crew.tally().logins, crew.stored_version().await), (1, 1));
    assert_eq!(crew.sim.robinhood().session_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_processes_that_find_their_session_ended_at_the_broker_one_logs_in() {
    let crew = Crew::new(|_| {}).await;
    let mut workers = join_all((0..4).map(|_| crew.worker())).await;
    for worker in &mut workers {
        worker.ask("connect").await;
    }
    crew.sim.robinhood().revoke_sessions();
    crew.advance(HOUR / 4);
    let said = join_all(workers.iter_mut().map(|worker| worker.ask("connect"))).await;
    let new = said.iter().filter(|said| *said == "ok new").count();
    let resumed = said.iter().filter(|said| *said == "ok resumed").count();
    assert_eq!((new, resumed), (1, 3), "{said:?}");
    assert_eq!(crew.tally().logins, 2);
}
