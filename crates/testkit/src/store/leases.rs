use std::time::Duration;

use wheelhouse_session::LeaseRequest;

use super::harness::{StoreHarness, later};
use crate::{TestResult, outcome::ensure};

fn take(holder: &str, at: i64) -> LeaseRequest {
    LeaseRequest::take("a lease", holder, Duration::from_secs(60), later(at))
}

/// One holder at a time, who may extend it; leases of other names are free.
pub async fn a_lease_keeps_others_out(h: &impl StoreHarness) -> TestResult {
    let (one, two) = (h.open().await?, h.open().await?);
    let first = one.lease(&take("one", 0)).await?;
    ensure!(first.is_some(), "a free lease is not had");
    ensure!(
        two.lease(&take("two", 59)).await?.is_none(),
        "two holders have it"
    );
    let extended = one.lease(&take("one", 59)).await?;
    ensure!(
        extended == first,
        "extending changed the generation: {extended:?}"
    );
    ensure!(
        two.lease(&take("two", 118)).await?.is_none(),
        "the extension does not hold"
    );
    let mut other = take("two", 0);
    other.name = "A LEASE".into();
    ensure!(
        two.lease(&other).await?.is_some(),
        "another lease is taken too"
    );
    Ok(())
}

/// A holder who is gone does not keep it for ever; who comes next has a greater generation.
pub async fn a_lease_is_handed_over_when_its_time_is_over(h: &impl StoreHarness) -> TestResult {
    let (one, two) = (h.open().await?, h.open().await?);
    let first = one.lease(&take("one", 0)).await?;
    let second = two.lease(&take("two", 60)).await?;
    ensure!(second.is_some(), "a lease whose time is over is not had");
    ensure!(
        second > first,
        "the generation does not grow: {first:?}, {second:?}"
    );
    ensure!(
        one.lease(&take("one", 61)).await?.is_none(),
        "the old holder has it again"
    );
    Ok(())
}

/// Released by its holder it is free at once; nobody else can release it.
pub async fn a_lease_is_handed_over_when_it_is_released(h: &impl StoreHarness) -> TestResult {
    let (one, two) = (h.open().await?, h.open().await?);
    let release = |holder: &str, at| LeaseRequest::release("a lease", holder, later(at));
    let released = one.lease(&release("one", 0)).await?;
    ensure!(
        released.is_none(),
        "releasing a lease that nobody has gave {released:?}"
    );
    let first = one.lease(&take("one", 0)).await?;
    two.lease(&release("two", 1)).await?;
    ensure!(
        two.lease(&take("two", 2)).await?.is_none(),
        "another holder has released it"
    );
    one.lease(&release("one", 3)).await?;
    let second = two.lease(&take("two", 4)).await?;
    ensure!(
        second > first,
        "the generation does not grow: {first:?}, {second:?}"
    );
    Ok(())
}
