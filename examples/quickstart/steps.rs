use std::time::Duration;

use wheelhouse::{Clock, SystemClock, prelude::*};

use crate::show;

/// How often, and how long in all, the run looks until something has happened.
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
    show::step(what, &submission);
    let client_id = submission.client_order_id().clone();
    let id = match submission {
        Submission::Accepted(order) => Some(order.id),
        Submission::Unknown(open) => {
            let resolution = broker.resolve(&open).await?;
            show::step("", resolution.report());
            match resolution {
                Resolution::Found(order) => Some(order.id),
                _ => None,
            }
        }
        _ => None,
    };
    Ok(id.map(|id| Placed { id, client_id }))
}

/// Cancels an order and looks until it is final.
pub(crate) async fn cancel(
    broker: &dyn Broker,
    account: &AccountId,
    id: &BrokerOrderId,
) -> Result<Order> {
    broker.cancel_order(account, id).await?;
    let mut order = broker.order(account, id).await?;
    for _ in 0..LOOKS {
        if order.state.is_final() {
            break;
        }
        SystemClock::new().sleep(PAUSE).await;
        order = broker.order(account, id).await?;
    }
    Ok(order)
}

/// Looks until an order has become a position.
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
            return Ok(None);
        }
        SystemClock::new().sleep(PAUSE).await;
    }
    Ok(None)
}

/// Closes a position and looks until it is gone.
pub(crate) async fn close(
    broker: &dyn Broker,
    account: &AccountId,
    position: &PositionId,
) -> Result<()> {
    let Some(trading) = broker.position_trading() else {
        show::step("close", "this broker closes no positions");
        return Ok(());
    };
    let closing = trading.close_position(account, position, None).await?;
    show::step("close", &closing);
    if let Closing::Unknown(open) = &closing {
        show::step("", format!("{:?}", trading.resolve_close(open).await?));
    }
    for _ in 0..LOOKS {
        let left = broker.all_positions(account).await?;
        if left.iter().all(|held| held.id != *position) {
            show::step("", "the position is gone");
            return Ok(());
        }
        SystemClock::new().sleep(PAUSE).await;
    }
    show::step("", "the position is still there; look at it in the broker's app");
    Ok(())
}
