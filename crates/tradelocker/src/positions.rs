use async_trait::async_trait;
use wheelhouse_adapter::{ConsistencyWindow, Gone, Pauses};
use wheelhouse_core::{
    AccountId, BrokerId, Change, CloseResolution, Closing, Decimal, Effect, Error, ErrorKind,
    Evidence, Instrument, InstrumentId, Position, PositionChange, PositionId, PositionTrading,
    Price, Quantity, Result, StopLoss, TakeProfit, UnresolvedClose,
};

use crate::{
    TradeLocker,
    accounts::{AccountState, account_path},
    api::Changed,
    client::Inner,
    endpoints, error,
    place::pips,
    wire::{
        orders::ExactNumber,
        positions::{ClosePosition, ModifyPosition},
    },
};

impl Inner {
    async fn held(
        &self,
        account: &AccountState,
        id: &PositionId,
        operation: &'static str,
    ) -> Result<Position> {
        let positions = self
            .read_positions(account, &endpoints::GET_POSITIONS)
            .await?;
        positions
            .into_iter()
            .find(|position| position.id == *id)
            .ok_or_else(|| {
                let message = format!("account {} holds no position {id}", account.id());
                self.place_in(Error::new(ErrorKind::NotFound, message), operation)
            })
    }

    async fn rules_of(&self, account: &AccountState, id: &InstrumentId) -> Result<Instrument> {
        let listed = self.listed(account, id).await?;
        Ok(self.details(account, &listed).await?.instrument.clone())
    }

    async fn close(
        &self,
        id: &AccountId,
        position: &PositionId,
        quantity: Option<Quantity>,
    ) -> Result<Closing> {
        let account = self.account(id, "close_position").await?;
        // The route has no account in its path: that the position is held here proves that the
        // header names the right one. What is held before tells later whether a part was closed.
        let held = self.held(&account, position, "close_position").await?;
        let before = Quantity::new(held.size.amount());
        let part = quantity.filter(|quantity| *quantity != before);
        if let Some(part) = part {
            let instrument = self.rules_of(&account, &held.instrument).await?;
            let checked = check_part(&instrument, part, before);
            checked.map_err(|error| self.place_in(error, "close_position"))?;
        }
        let endpoint = match part {
            Some(_) => &endpoints::CLOSE_PART,
            None => &endpoints::CLOSE_WHOLE,
        };
        let qty = ExactNumber(part.map_or(Decimal::ZERO, Quantity::value));
        let begun_at = self.clock().now();
        // A closing goes on whether or not its caller waits.
        let gate = self.api.gate(Gone::never());
        let call = self
            .api
            .call_with(endpoint, account.acc_num, &gate)
            .path("positionId", position.as_str());
        let outcome = self
            .api
            .change(endpoint, call.json(&ClosePosition { qty }))
            .await;
        let unknown = |cause: &Error| {
            Closing::Unknown(UnresolvedClose::new(
                BrokerId::tradelocker(),
                id.clone(),
                position.clone(),
                quantity,
                before,
                gate.passed_at().unwrap_or(begun_at),
                cause,
            ))
        };
        let refusal = match outcome {
            Ok(Changed::Taken) => return Ok(Closing::Accepted { order: None }),
            Ok(Changed::Refused(refusal)) => refusal,
            Err(error) if error.effect() == Effect::None => return Err(error),
            Err(error) => return Ok(unknown(&error)),
        };
        // A second try at closing the whole finds nothing when the first one did it.
        if part.is_none()
            && let Ok(positions) = self
                .read_positions(&account, &endpoints::RESOLVE_POSITIONS)
                .await
            && !positions.iter().any(|held| held.id == *position)
        {
            return Ok(Closing::Accepted { order: None });
        }
        if refusal.effect() != Effect::None {
            return Ok(unknown(&refusal));
        }
        let message = refusal
            .broker_message()
            .unwrap_or(refusal.message())
            .to_owned();
        Ok(Closing::Rejected { message })
    }

    async fn read_held(&self, id: &AccountId) -> Result<Vec<Position>> {
        let account = self.account(id, "resolve_close").await?;
        self.read_positions(&account, &endpoints::RESOLVE_POSITIONS)
            .await
    }

    async fn find_closing(&self, open: &UnresolvedClose) -> Result<CloseResolution> {
        if open.broker != BrokerId::tradelocker() {
            return Err(error::invalid("the closing is another broker's"));
        }
        self.refuse_strangers(&open.account, "resolve_close")
            .await?;
        let window =
            ConsistencyWindow::new(self.clock(), open.sent_at, self.config.consistency_window);
        let mut evidence = Evidence::new(window.ends_at());
        let closed = open
            .quantity
            .filter(|quantity| *quantity != open.held_before);
        let expected = closed.map_or(Decimal::ZERO, |part| {
            open.held_before.value() - part.value()
        });
        let mut pauses = Pauses::default();
        loop {
            self.clock().sleep(pauses.next(self.clock(), &window)).await;
            let began = self.clock().monotonic();
            let reading = self.read_held(&open.account).await;
            evidence.last_read_at = reading
                .is_ok()
                .then(|| self.clock().now())
                .or(evidence.last_read_at);
            let Ok(positions) = reading else {
                evidence.failed_reads += 1;
                if window.is_hopeless(self.clock()) {
                    return Ok(CloseResolution::Unknown(open.clone(), evidence));
                }
                continue;
            };
            evidence.complete_reads += 1;
            let held = positions.iter().find(|held| held.id == open.position);
            let remaining = held.map_or(Decimal::ZERO, |held| held.size.amount());
            if remaining <= expected {
                return Ok(CloseResolution::Closed {
                    remaining: Quantity::new(remaining),
                });
            }
            if began >= window.end() && evidence.complete_reads >= 3 {
                if remaining == open.held_before.value() {
                    return Ok(CloseResolution::NotClosed(evidence));
                }
                evidence.remark = Some(format!("{remaining} are held, {expected} were expected"));
                return Ok(CloseResolution::Unknown(open.clone(), evidence));
            }
        }
    }

    async fn protect(
        &self,
        id: &AccountId,
        position: &PositionId,
        change: &PositionChange,
    ) -> Result<()> {
        let endpoint = &endpoints::PATCH_POSITION;
        let named = |error| self.api.place(endpoint, error);
        let body = modify_body(change).map_err(named)?;
        let account = self.account(id, endpoint.operation()).await?;
        let held = self.held(&account, position, endpoint.operation()).await?;
        let instrument = self.rules_of(&account, &held.instrument).await?;
        check_prices(&instrument, change).map_err(named)?;
        let call = self
            .api
            .call(endpoint, account.acc_num)
            .path("positionId", position.as_str());
        match self.api.change(endpoint, call.json(&body)).await? {
            Changed::Taken => Ok(()),
            Changed::Refused(error) => Err(named(error)),
        }
    }
}

fn check_part(instrument: &Instrument, part: Quantity, held: Quantity) -> Result<()> {
    if part > held {
        return Err(error::invalid(format!(
            "{part} lots are to be closed and {held} are held"
        )));
    }
    instrument.rules.check_quantity(part)
}

fn check_prices(instrument: &Instrument, change: &PositionChange) -> Result<()> {
    let check = |what: &str, price: Option<Price>| match price {
        Some(price) => instrument.rules.check_price(what, price),
        None => Ok(()),
    };
    let stop_loss = match change.stop_loss {
        Change::Set(StopLoss::At(price)) => Some(price),
        _ => None,
    };
    let take_profit = match change.take_profit {
        Change::Set(TakeProfit::At(price)) => Some(price),
        _ => None,
    };
    check("stop loss", stop_loss)?;
    check("take profit", take_profit)
}

fn modify_body(change: &PositionChange) -> Result<ModifyPosition> {
    let absolute_only = || {
        let message = "positions take absolute prices, and trailing stops in pips";
        Error::new(ErrorKind::Unsupported, message)
    };
    let mut body = ModifyPosition::default();
    match &change.stop_loss {
        Change::Keep => {}
        Change::Remove => body.stop_loss = Some(None),
        Change::Set(StopLoss::At(price)) => body.stop_loss = Some(Some(ExactNumber(price.value()))),
        Change::Set(StopLoss::Trailing(offset)) => body.trailing_offset = Some(Some(pips(offset)?)),
        Change::Set(_) => return Err(absolute_only()),
    }
    match &change.take_profit {
        Change::Keep => {}
        Change::Remove => body.take_profit = Some(None),
        Change::Set(TakeProfit::At(price)) => {
            body.take_profit = Some(Some(ExactNumber(price.value())))
        }
        Change::Set(_) => return Err(absolute_only()),
    }
    if change.stop_loss == Change::Keep && change.take_profit == Change::Keep {
        return Err(error::invalid("the change changes nothing"));
    }
    Ok(body)
}

#[async_trait]
impl PositionTrading for TradeLocker {
    async fn close_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        quantity: Option<Quantity>,
    ) -> Result<Closing> {
        // The answer must be looked at even if the caller stops waiting: a part must not be closed
        // twice because nobody knew.
        let (inner, account, position) = (self.inner.clone(), account.clone(), position.clone());
        let closing = tokio::spawn(async move { inner.close(&account, &position, quantity).await });
        closing.await.unwrap_or_else(|_| {
            let message = "the task that closes the position was ended";
            Err(Error::new(ErrorKind::Timeout, message).with_effect(Effect::MaybeApplied))
        })
    }

    async fn resolve_close(&self, open: &UnresolvedClose) -> Result<CloseResolution> {
        self.inner
            .find_closing(open)
            .await
            .map_err(|error| self.inner.place_in(error, "resolve_close"))
    }

    async fn close_all_positions(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()> {
        let (inner, endpoint) = (&*self.inner, &endpoints::CLOSE_ALL_POSITIONS);
        let state = inner.account(account, endpoint.operation()).await?;
        let call = account_path(inner.api.call(endpoint, state.acc_num), account);
        let call = match instrument {
            Some(instrument) => call.query("tradableInstrumentId", instrument),
            None => call,
        };
        match inner.api.change(endpoint, call).await? {
            Changed::Taken => Ok(()),
            Changed::Refused(error) => Err(inner.api.place(endpoint, error)),
        }
    }

    async fn modify_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        change: &PositionChange,
    ) -> Result<()> {
        self.inner.protect(account, position, change).await
    }
}
