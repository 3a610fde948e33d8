use std::time::Duration;

use wheelhouse::{Clock, CloseResolution, SystemClock, prelude::*};

use crate::show;

/// How often the run looks until something has happened, and the pause between.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(1_100);

/// The two identifiers of an order: the broker's and this side's.
pub(crate) struct Placed {
    pub(crate) id: BrokerOrderId,
    pub(crate) client_id: ClientOrderId,
}

/// Places an order; if its answer is lost, finds out what became of it. `None` if it was not placed.
pub(crate) async fn place(
    broker: &dyn Broker,
    what: &str,
    request: &OrderRequest,
) -> Result<Option<Placed>> {
    let submission = broker.place_order(request).await?;
    let client_id = submission.client_order_id().clone();
    let id = match &submission {
        Submission::Accepted(order) => Some(order.id.clone()),
        Submission::Unknown(open) => {
            show::step(what, &submission)?;
            show::step("", "looking for it, for at most a minute or two")?;
            let resolution = broker.resolve(open).await?;
            show::step("", resolution.report())?;
            match resolution {
                Resolution::Found(order) => Some(order.id),
                Resolution::NotFound(_) => None,
                _ => return Err(still_unknown(&client_id)),
            }
        }
        _ => None,
    };
    if !matches!(submission, Submission::Unknown(_)) {
        show::step(what, &submission)?;
    }
    Ok(id.map(|id| Placed { id, client_id }))
}

/// Cancels an order and looks until it is final.
pub(crate) async fn cancel(
    broker: &dyn Broker,
    account: &AccountId,
    id: &BrokerOrderId,
) -> Result<Order> {
    broker.cancel_order(account, id).await?;
    for _ in 0..LOOKS {
        let order = broker.order(account, id).await?;
        if order.state.is_final() {
            return Ok(order);
        }
        pause().await;
    }
    Err(not_seen(format!(
        "order {id} was to be cancelled and is still open"
    )))
}

/// Looks until an order has become a position; `None` if it ended otherwise.
pub(crate) async fn position_of(
    broker: &dyn Broker,
    account: &AccountId,
    id: &BrokerOrderId,
) -> Result<Option<Position>> {
    for _ in 0..LOOKS {
        let order = broker.order(account, id).await?;
        if let Some(position) = order.position {
            let all = broker.all_positions(account).await?;
            if let Some(position) = all.into_iter().find(|held| held.id == position) {
                return Ok(Some(position));
            }
        } else if order.state.is_final() && order.state != OrderState::Filled {
            show::step("", format!("order {id} is {}", order.state))?;
            return Ok(None);
        }
        pause().await;
    }
    Err(not_seen(format!(
        "order {id} has not become a position yet"
    )))
}

/// Closes a position and looks until it is gone.
pub(crate) async fn close(
    broker: &dyn Broker,
    account: &AccountId,
    position: &PositionId,
) -> Result<()> {
    let Some(trading) = broker.position_trading() else {
        let message = "this broker closes no positions";
        return Err(Error::new(ErrorKind::Unsupported, message).at_broker(broker.id()));
    };
    let closing = trading.close_position(account, position, None).await?;
    show::step("close", &closing)?;
    if let Closing::Unknown(open) = &closing {
        show::step("", "looking at the position, for at most a minute or two")?;
        let resolution = trading.resolve_close(open).await?;
        show::step("", resolution.report())?;
        if !matches!(resolution, CloseResolution::Closed { .. }) {
            return Err(not_seen(format!("position {position} is still open")));
        }
    }
    for _ in 0..LOOKS {
        let left = broker.all_positions(account).await?;
        if left.iter().all(|held| held.id != *position) {
            return show::step("", "the position is gone");
        }
        pause().await;
    }
    Err(not_seen(format!(
        "position {position} was to be closed and is still there"
    )))
}

async fn pause() {
    SystemClock::new().sleep(PAUSE).await;
}

fn not_seen(message: String) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("{message}; look at it in the broker's app"),
    )
}

fn still_unknown(client_id: &ClientOrderId) -> Error {
    let message = format!(
        "it is not known whether order {client_id} was placed; look for it in the broker's app \
         before placing another"
    );
    Error::new(ErrorKind::OutcomeUnknown, message)
}
