use std::{collections::HashMap, time::Duration};

use time::OffsetDateTime;
use wheelhouse_core::{ClientOrderId, Order, Position, Result};

use crate::{
    accounts::AccountState,
    client::Inner,
    endpoints,
    history::{Span, merged},
    wire::{orders::order, positions::position},
};

/// Everything in which an order can show, read completely.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) orders: Vec<Order>,
    pub(crate) positions: Vec<Position>,
    /// Whether orders show this side's identifiers.
    pub(crate) has_labels: bool,
    /// When it began, in monotonic time.
    pub(crate) began: Duration,
    pub(crate) ended_at: OffsetDateTime,
    by_label: HashMap<ClientOrderId, Vec<usize>>,
}

impl Snapshot {
    pub(crate) fn new(
        orders: Vec<Order>,
        positions: Vec<Position>,
        has_labels: bool,
        began: Duration,
        ended_at: OffsetDateTime,
    ) -> Self {
        let mut by_label: HashMap<ClientOrderId, Vec<usize>> = HashMap::new();
        for (index, order) in orders.iter().enumerate() {
            if let Some(label) = &order.client_order_id {
                by_label.entry(label.clone()).or_default().push(index);
            }
        }
        Self {
            orders,
            positions,
            has_labels,
            began,
            ended_at,
            by_label,
        }
    }

    /// Returns the orders that bear an identifier.
    pub(crate) fn orders_of(&self, id: &ClientOrderId) -> impl Iterator<Item = &Order> {
        let places = self.by_label.get(id).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|index| self.orders.get(*index))
    }
}

/// The pause between two readings of an account.
pub(crate) const SPACING: Duration = Duration::from_millis(500);

impl Inner {
    pub(super) async fn read_snapshot(
        &self,
        account: &AccountState,
        from: OffsetDateTime,
    ) -> Result<Snapshot> {
        let began = self.clock().monotonic();
        // In this order: what moves on from one list to the next meanwhile is seen twice, not never.
        let open = self
            .read_open(account, &endpoints::RESOLVE_ORDERS, None)
            .await?;
        let span = Span {
            from: Some(from),
            to: None,
        };
        let history = self
            .read_history(account, &endpoints::RESOLVE_HISTORY, span, None)
            .await?;
        let positions = self
            .read_positions(account, &endpoints::RESOLVE_POSITIONS)
            .await?;
        let config = self.config(account).await?;
        let has_labels = config.orders.has(order::STRATEGY)
            && config.history.has(order::STRATEGY)
            && config.positions.has(position::STRATEGY)
            // Rows that do not fit their columns may lack the label: that it is not seen proves nothing.
            && !account.rows_are_uneven();
        let orders = merged(open, history);
        Ok(Snapshot::new(
            orders,
            positions,
            has_labels,
            began,
            self.clock().now(),
        ))
    }
}
