use wheelhouse_core::{
    Broker, ClientOrderId, ErrorKind, OptionContract, OptionLeg, OptionOrderRequest, OptionQuery,
    OptionRight, OptionsTrading, OrderKind, PositionEffect, Price, Quantity, Side, Submission, dec,
};

use super::{
    BrokerHarness,
    stage::{Stage, skipped},
};
use crate::{TestFailure, TestResult, outcome::ensure};

/// The identifier of an order of options that was used for another one is refused where the
/// capabilities promise that.
pub async fn client_order_ids_of_options_are_kept(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let support = stage.broker.capabilities().client_order_id;
    let Some(options) = stage.broker.options() else {
        ensure!(
            !support.options_deduplicated,
            "options are deduplicated, and there are none"
        );
        skipped(format_args!("the broker has no options"));
        return Ok(());
    };
    if !support.echoed.is_there() {
        skipped(format_args!("the broker does not keep client order ids"));
        return Ok(());
    }
    let Some(contract) = call(&stage, options).await? else {
        skipped(format_args!("the first symbol has no options to buy"));
        return Ok(());
    };
    let kind = OrderKind::Limit {
        price: Price::new(dec!(0.05)),
    };
    let leg = OptionLeg {
        contract: contract.id,
        side: Side::Buy,
        effect: PositionEffect::Open,
        ratio: 1,
    };
    let one = Quantity::new(dec!(1));
    let mut request = OptionOrderRequest::new(&stage.account, vec![leg], one, kind, Side::Buy);
    let id = ClientOrderId::generate("KIT-", 1_767_614_400_000, *b"conformopt")?;
    request.client_order_id = Some(id.clone());
    let placed = options.place_option_order(&request).await?;
    let Submission::Accepted(accepted) = placed else {
        let message = format!("the order was not taken: {placed}");
        return Err(TestFailure::new(message));
    };
    ensure!(
        accepted.client_order_id == id,
        "it became {}",
        accepted.client_order_id
    );
    let mut other = request.clone();
    other.quantity = Quantity::new(dec!(2));
    let placed = options.place_option_order(&other);
    let reused = ErrorKind::ClientOrderIdReused;
    if !support.options_deduplicated {
        // It may be refused here, or be an order of its own at the broker; it is never swallowed.
        return match placed.await {
            Ok(Submission::Accepted(order)) if order.id != accepted.id => Ok(()),
            Err(error) if error.kind() == reused => Ok(()),
            other => Err(TestFailure::new(format!("its second use gives {other:?}"))),
        };
    }
    stage
        .refused("a used client order id", reused, placed)
        .await?;
    match options.place_option_order(&request).await? {
        Submission::Accepted(again) if again.id == accepted.id => Ok(()),
        again => Err(TestFailure::new(format!("the same order became {again}"))),
    }
}

/// Finds a call on the first symbol that can be traded, of the last expiry.
async fn call<B: Broker>(
    stage: &Stage<B>,
    options: &dyn OptionsTrading,
) -> Result<Option<OptionContract>, TestFailure> {
    let underlying = &stage.first.symbol;
    let chains = options.option_chains(&stage.account, underlying).await?;
    let Some(last) = chains.first().and_then(|chain| chain.expirations.last()) else {
        return Ok(None);
    };
    let mut query = OptionQuery::new(underlying.clone());
    query.expiration = Some(*last);
    query.right = Some(OptionRight::Call);
    let contracts = options.option_contracts(&stage.account, query).await?;
    let mut contracts = contracts.items.into_iter();
    Ok(contracts.find(|contract| contract.tradable != Some(false)))
}
