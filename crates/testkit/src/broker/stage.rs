use std::{fmt, time::Duration};

use wheelhouse_core::{
    AcceptedOrder, AccountId, Broker, BrokerExt, BrokerOrderId, Decimal, Error, ErrorKind,
    Instrument, Order, OrderRequest, OrderSize, OrderState, Position, Price, Quantity, Quote,
    Result, Side, Submission,
};

use super::{Backstage, BrokerHarness, Trouble};
use crate::{TestFailure, TestResult, fixtures::size_of, outcome::ensure};

/// How often and how long a check waits for something that brokers may show late.
const ROUNDS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A world with what most checks need read from it.
pub(super) struct Stage<B> {
    pub(super) broker: B,
    pub(super) account: AccountId,
    pub(super) first: Instrument,
    pub(super) second: Instrument,
    pub(super) backstage: Box<dyn Backstage>,
}

impl<B: Broker> Stage<B> {
    pub(super) async fn set<H>(harness: &H) -> Result<Self, TestFailure>
    where
        H: BrokerHarness<Broker = B>,
    {
        let world = harness.start().await?;
        let account = match world.account {
            Some(account) => account,
            None => world.broker.accounts().await?.only()?.id,
        };
        let [first, second] = &world.symbols;
        let first = world.broker.find_instrument(&account, first).await?;
        let second = world.broker.find_instrument(&account, second).await?;
        Ok(Self {
            broker: world.broker,
            account,
            first,
            second,
            backstage: world.backstage,
        })
    }

    /// Prepares trouble; `false`, said aloud, if the harness cannot.
    pub(super) async fn cause(&self, trouble: Trouble) -> bool {
        let done = self.backstage.cause(trouble).await;
        if !done {
            skipped(format_args!("the harness cannot cause {trouble:?}"));
        }
        done
    }

    pub(super) async fn quote(&self) -> Result<Quote> {
        self.broker.quote(&self.account, &self.first).await
    }

    /// The smallest quantity of the first instrument.
    pub(super) fn least(&self) -> Decimal {
        let rules = &self.first.rules;
        rules
            .min_quantity
            .or(rules.quantity_step)
            .map_or(Decimal::ONE, Quantity::value)
    }

    pub(super) fn size(&self, times: u32) -> OrderSize {
        size_of(&self.first, self.least() * Decimal::from(times))
    }

    /// An order to buy that rests: a fifth below the market.
    pub(super) async fn resting(&self) -> Result<OrderRequest, TestFailure> {
        let price = self.price_at(Decimal::new(8, 1)).await?;
        let (account, instrument) = (&self.account, &self.first);
        Ok(OrderRequest::limit(
            account,
            instrument,
            Side::Buy,
            self.size(1),
            price,
        ))
    }

    pub(super) fn at_market(&self, times: u32) -> OrderRequest {
        OrderRequest::market(&self.account, &self.first, Side::Buy, self.size(times))
    }

    /// A legal price at this share of the bid.
    pub(super) async fn price_at(&self, share: Decimal) -> Result<Price, TestFailure> {
        let bid = self.quote().await?.bid.map(Price::value);
        let bid = bid.ok_or_else(|| TestFailure::new("the first instrument has no bid"))?;
        let price = bid * share;
        let tick = self
            .first
            .rules
            .tick_at(price)
            .unwrap_or(Decimal::new(1, 2));
        Ok(Price::new((price - price % tick).normalize()))
    }

    pub(super) async fn accepted(
        &self,
        request: &OrderRequest,
    ) -> Result<AcceptedOrder, TestFailure> {
        match self.broker.place_order(request).await? {
            Submission::Accepted(order) => Ok(order),
            other => Err(TestFailure::new(format!(
                "the order was not taken: {other}"
            ))),
        }
    }

    /// Reads an order until it is as wanted; checks that its states follow on each other.
    pub(super) async fn order_when(
        &self,
        id: &BrokerOrderId,
        wanted: impl Fn(&Order) -> bool,
    ) -> Result<Order, TestFailure> {
        let mut seen = OrderState::Submitting;
        for _ in 0..ROUNDS {
            match self.broker.order(&self.account, id).await {
                Ok(order) => {
                    let next = &order.state;
                    ensure!(
                        seen.can_become(next),
                        "order {id} went from {seen} to {next}"
                    );
                    seen = next.clone();
                    if wanted(&order) {
                        return Ok(order);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            pause().await;
        }
        Err(TestFailure::new(format!("order {id} stays {seen}")))
    }

    /// Reads the positions until they are as wanted.
    pub(super) async fn positions_when(
        &self,
        wanted: impl Fn(&[Position]) -> bool,
    ) -> Result<Vec<Position>, TestFailure> {
        let mut last = Vec::new();
        for _ in 0..ROUNDS {
            last = self.broker.all_positions(&self.account).await?;
            if wanted(&last) {
                return Ok(last);
            }
            pause().await;
        }
        let message = format!("the positions do not become what they should; last {last:?}");
        Err(TestFailure::new(message))
    }

    /// Opens a position of the first instrument and waits until it is shown.
    pub(super) async fn opened(&self, times: u32) -> Result<Position, TestFailure> {
        self.accepted(&self.at_market(times)).await?;
        let size = self.size(times);
        let opened = self
            .positions_when(|held| held.iter().any(|held| held.size == size))
            .await?;
        opened
            .into_iter()
            .find(|held| held.size.amount() == size.amount())
            .ok_or_else(|| TestFailure::new("the position is gone"))
    }

    /// Checks that a call fails as it should and that nothing of it reached the broker's books.
    pub(super) async fn refused<T: fmt::Debug>(
        &self,
        what: &str,
        kind: ErrorKind,
        call: impl Future<Output = Result<T>>,
    ) -> Result<Error, TestFailure> {
        let changes = self.backstage.changes().await;
        let orders = self.backstage.orders_placed(None).await;
        let error = match call.await {
            Ok(answer) => {
                let message = format!("{what} was not refused: {answer:?}");
                return Err(TestFailure::new(message));
            }
            Err(error) => error,
        };
        ensure!(
            error.kind() == kind,
            "{what} is refused with {} instead of {}: {error}",
            error.code(),
            kind.code()
        );
        ensure!(
            self.backstage.changes().await == changes,
            "{what} was sent before it was refused"
        );
        ensure!(
            self.backstage.orders_placed(None).await == orders,
            "{what} was refused and yet placed"
        );
        Ok(error)
    }

    /// Checks how many orders with an identifier there really are.
    pub(super) async fn really_placed(&self, submission: &Submission, times: usize) -> TestResult {
        let id = submission.client_order_id();
        let placed = self.backstage.orders_placed(Some(id)).await;
        ensure!(
            placed.is_none_or(|placed| placed == times),
            "the broker has {placed:?} orders of {id} instead of {times}"
        );
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the broker may have a clock of its own"
)]
pub(super) async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Says that a check does not apply.
pub(super) fn skipped(why: fmt::Arguments<'_>) {
    eprintln!("skipped: {why}");
}
