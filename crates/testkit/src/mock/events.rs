use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use wheelhouse_core::{
    AccountId, BrokerEvent, EventKind, EventStream, InstrumentId, Result, Streaming, Subscription,
};

use super::{Call, MockBroker, Operation, state::State};

/// Something that followers of an account or of a quote are told.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) about: About,
    pub(super) kind: EventKind,
}

#[derive(Clone, Debug)]
pub(super) enum About {
    Account(AccountId),
    Everybody,
    Quote(InstrumentId),
}

/// Who follows what.
#[derive(Debug, Default)]
pub(super) struct Followers {
    generation: u64,
    senders: Vec<(Subscription, mpsc::UnboundedSender<BrokerEvent>)>,
}

impl Followers {
    pub(super) fn tell(&mut self, happened: &[Happened], now: OffsetDateTime) {
        let generation = self.generation;
        self.senders.retain(|(subscription, sender)| {
            happened
                .iter()
                .filter(|it| concerns(subscription, &it.about))
                .all(|it| {
                    sender
                        .send(BrokerEvent::new(generation, now, it.kind.clone()))
                        .is_ok()
                })
        });
    }
}

fn concerns(subscription: &Subscription, about: &About) -> bool {
    match about {
        About::Account(account) => subscription.accounts.contains(account),
        About::Everybody => true,
        About::Quote(instrument) => subscription.quotes.contains(instrument),
    }
}

impl State {
    /// Lets every follower lose its connection at `from` and catch up.
    pub(super) fn break_streams(&mut self, from: OffsetDateTime, now: OffsetDateTime) {
        self.followers.generation += 1;
        let generation = self.followers.generation;
        let followers = std::mem::take(&mut self.followers.senders);
        for (subscription, sender) in followers {
            let gap = BrokerEvent::new(generation, now, EventKind::Gap { from });
            if sender.send(gap).is_ok() {
                self.snapshot(&subscription, &sender, now);
                self.followers.senders.push((subscription, sender));
            }
        }
    }

    fn snapshot(
        &self,
        subscription: &Subscription,
        sender: &mpsc::UnboundedSender<BrokerEvent>,
        now: OffsetDateTime,
    ) {
        let mut kinds = Vec::new();
        for account in &subscription.accounts {
            let summary = self.world.summary(account, now);
            kinds.push(EventKind::Summary(Box::new(summary)));
            let orders = self.world.orders.iter();
            kinds.extend(
                orders
                    .filter(|order| order.account == *account && order.state.is_open())
                    .map(|order| EventKind::Order(Box::new(order.clone()))),
            );
            let positions = self.world.positions.iter();
            kinds.extend(
                positions
                    .filter(|position| position.account == *account)
                    .map(|position| EventKind::Position(Box::new(self.world.valued(position)))),
            );
        }
        let quotes = subscription.quotes.iter();
        kinds.extend(
            quotes
                .filter_map(|id| self.world.quotes.get(id))
                .map(|quote| EventKind::Quote(Box::new(quote.clone()))),
        );
        kinds.push(EventKind::CaughtUp);
        for kind in kinds {
            // A follower that is gone is forgotten with the next event.
            let _ = sender.send(BrokerEvent::new(self.followers.generation, now, kind));
        }
    }
}

impl Streaming for MockBroker {
    fn events(&self, subscription: Subscription) -> Result<EventStream> {
        let mut state = self.begin(Call::new(Operation::Events))?;
        for account in &subscription.accounts {
            self.check_account(&state, account, Operation::Events)?;
        }
        let now = self.0.clock.now();
        let (sender, receiver) = mpsc::unbounded_channel();
        state.reached += 1;
        state.snapshot(&subscription, &sender, now);
        state.followers.senders.push((subscription, sender));
        Ok(Box::pin(Events(receiver)))
    }
}

struct Events(mpsc::UnboundedReceiver<BrokerEvent>);

impl Stream for Events {
    type Item = BrokerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<BrokerEvent>> {
        self.0.poll_recv(context)
    }
}
