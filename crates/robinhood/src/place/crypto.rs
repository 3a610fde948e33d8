use wheelhouse_core::{
    Error, ErrorKind, InstrumentStatus, OrderKind, OrderRequest, OrderSize, Result, Side,
    TimeInForce, TradingHours,
};

use super::{Prepared, onto_grid, open, prepared, ref_id_of, written_time_in_force};
use crate::{client::Inner, convert, error, resolve::Book, wire::crypto::NewCryptoOrder};

impl Inner {
    pub(super) async fn prepare_crypto(&self, request: OrderRequest) -> Result<Prepared> {
        if request.hours != TradingHours::Regular {
            return Err(error::unsupported("crypto has no trading hours"));
        }
        let pair = self.pair(&request.instrument).await?;
        request.check(&self.capabilities(), &pair, None)?;
        if pair.status == Some(InstrumentStatus::Closed) {
            let message = format!("{} is not traded at this broker", pair.symbol);
            return Err(error::invalid(message));
        }
        let OrderSize::Units(quantity) = request.size else {
            return Err(error::unsupported(
                "crypto is ordered in units at this broker",
            ));
        };
        self.known(&request.account, "place_order").await?;
        let own = self
            .crypto_account(&request.account)
            .await?
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "the account has no account of crypto beside it",
                )
            })?;
        let (kind, price) = match request.kind {
            OrderKind::Limit { price } => ("limit", price),
            // A market order names the price that it was made at.
            OrderKind::Market => {
                let quote = self.read_crypto_quote(&request.instrument).await?;
                let price = match request.side {
                    Side::Buy => quote.ask,
                    Side::Sell => quote.bid,
                };
                let missing = || {
                    Error::new(
                        ErrorKind::InvalidInput,
                        "there is no price now; use a limit order",
                    )
                };
                let price = price.or(quote.last);
                let price = price.and_then(|it| onto_grid(&pair.rules, request.side, it));
                ("market", price.ok_or_else(missing)?)
            }
            kind => {
                let message = format!(
                    "crypto has no {} orders here; there is market, limit",
                    kind.order_type()
                );
                return Err(error::unsupported(message));
            }
        };
        let time_in_force = match &request.time_in_force {
            None | Some(TimeInForce::Gtc) => written_time_in_force(&TimeInForce::Gtc)?,
            Some(other) => {
                return Err(error::unsupported(format!(
                    "crypto has no orders that stand {other}; there is GTC"
                )));
            }
        };
        let id = request
            .client_order_id
            .as_ref()
            .map(ref_id_of)
            .unwrap_or_default();
        let body = NewCryptoOrder {
            account_id: &own,
            currency_pair_id: convert::own_part(request.instrument.as_str()).unwrap_or_default(),
            price: price.value().normalize(),
            quantity: quantity.value().normalize(),
            ref_id: &id,
            side: match request.side {
                Side::Buy => "buy",
                Side::Sell => "sell",
            },
            time_in_force,
            kind,
        };
        let open = open(request.clone(), self.clock().now())?;
        prepared(Book::Crypto, &request, &body, open)
    }
}
