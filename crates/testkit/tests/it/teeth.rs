//! The suite has to find what is wrong with a broker: each fault here fails the checks that it should.

use async_trait::async_trait;
use wheelhouse_core::*;
use wheelhouse_testkit::{
    LogCapture, MockBroker, MockHarness, TestFailure, TestResult,
    broker::{self, BrokerHarness, BrokerWorld},
};

/// What is wrong with a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// A placement without an answer is sent again.
    Resends,
    /// A placement without an answer is called refused.
    CallsUnknownRefused,
    /// Resolving says at once that nothing was placed.
    ResolvesRashly,
    /// Quantities are rounded instead of refused.
    Rounds,
    /// The capabilities promise streams that there are not.
    PromisesStreams,
    /// The capabilities promise that identifiers of options are used once.
    PromisesOptionIds,
    /// There is a role that the capabilities deny.
    HidesDepth,
    /// An error from below comes up without a name.
    AnonymousErrors,
    /// Orders of other accounts are let through to the first one.
    GuessesTheAccount,
    /// Quotes come in an order of its own.
    SortsQuotes,
    /// A filled order is shown as working.
    ForgetsFills,
    /// Cancelling a final order fails.
    RefusesSecondCancel,
    /// A read that fails is taken for nothing read.
    SwallowsErrors,
    /// The password is in the Debug text.
    ShowsPassword,
    /// The password is logged.
    LogsPassword,
}

const PASSWORD: &str = "canary-pass-word";

struct Flawed {
    mock: MockBroker,
    flaw: Flaw,
}

impl std::fmt::Debug for Flawed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.flaw {
            Flaw::ShowsPassword => write!(f, "Flawed({PASSWORD})"),
            _ => f.write_str("Flawed"),
        }
    }
}

struct FlawedHarness(Flaw);

#[async_trait]
impl BrokerHarness for FlawedHarness {
    type Broker = Flawed;

    async fn start(&self) -> Result<BrokerWorld<Flawed>, TestFailure> {
        let flaw = self.0;
        let world = MockHarness::default().start().await?;
        Ok(world.map(|mock| Flawed { mock, flaw }))
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned()]
    }
}

impl Flawed {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }
}

#[async_trait]
impl Broker for Flawed {
    fn id(&self) -> BrokerId {
        self.mock.id()
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.mock.capabilities();
        if self.is(Flaw::HidesDepth) {
            capabilities.market_depth = Support::No;
        }
        if self.is(Flaw::PromisesOptionIds) {
            capabilities.client_order_id.options_deduplicated = true;
        }
        if self.is(Flaw::Resends) {
            capabilities.client_order_id.deduplicated = false;
        }
        capabilities
    }

    async fn accounts(&self) -> Result<Accounts> {
        if self.is(Flaw::LogsPassword) {
            tracing::trace!(body = %format!("{{\"password\":\"{PASSWORD}\"}}"), "logging in");
        }
        self.mock.accounts().await
    }

    async fn account_summary(&self, account: &AccountId) -> Result<AccountSummary> {
        self.mock
            .account_summary(&self.chosen(account).await?)
            .await
    }

    async fn positions(&self, account: &AccountId, query: PositionQuery) -> Result<Page<Position>> {
        self.mock
            .positions(&self.chosen(account).await?, query)
            .await
    }

    async fn orders(&self, account: &AccountId, query: OrderQuery) -> Result<Page<Order>> {
        let account = self.chosen(account).await?;
        match self.mock.orders(&account, query).await {
            Err(_) if self.is(Flaw::SwallowsErrors) => Ok(Page::last(Vec::new())),
            other => other,
        }
    }

    async fn order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        let read = self.mock.order(account, order).await;
        match read {
            Err(error) if self.is(Flaw::AnonymousErrors) => {
                Err(Error::new(error.kind(), error.message().to_owned()))
            }
            Ok(mut order) if self.is(Flaw::ForgetsFills) && order.state == OrderState::Filled => {
                order.state = OrderState::Working;
                Ok(order)
            }
            other => other,
        }
    }

    async fn order_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        self.mock.order_by_client_id(account, id).await
    }

    async fn executions(
        &self,
        account: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        self.mock.executions(account, query).await
    }

    async fn instruments(
        &self,
        account: &AccountId,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        self.mock.instruments(account, query).await
    }

    async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        self.mock.instrument(account, symbol).await
    }

    async fn quotes(
        &self,
        account: &AccountId,
        instruments: &[InstrumentId],
    ) -> Result<Vec<Quote>> {
        let mut quotes = self.mock.quotes(account, instruments).await?;
        if self.is(Flaw::SortsQuotes) {
            quotes.sort_by(|a, b| b.instrument.cmp(&a.instrument));
        }
        Ok(quotes)
    }

    async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
        let mut request = request.clone();
        request.account = self.chosen(&request.account).await?;
        if self.is(Flaw::Rounds)
            && let OrderSize::Lots(quantity) = request.size
        {
            let rounded = quantity.value().round_dp(2).max(dec!(0.01)).min(dec!(10));
            request.size = OrderSize::Lots(Quantity::new(rounded));
        }
        let submission = self.mock.place_order(&request).await?;
        match submission {
            Submission::Unknown(open) if self.is(Flaw::Resends) => {
                let again = ClientOrderId::new(format!("{}R", open.client_order_id))?;
                self.mock.place_order(&request.client_order_id(again)).await
            }
            Submission::Unknown(open) if self.is(Flaw::CallsUnknownRefused) => {
                let reason = RejectReason::Other;
                let rejection = Rejection::new(open.client_order_id, reason, "timed out");
                Ok(Submission::Rejected(rejection))
            }
            other => Ok(other),
        }
    }

    async fn confirm_order(&self, confirmation: &Confirmation) -> Result<Submission> {
        self.mock.confirm_order(confirmation).await
    }

    async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        if self.is(Flaw::ResolvesRashly) {
            return Ok(Resolution::NotFound(Evidence::new(open.sent_at)));
        }
        self.mock.resolve(open).await
    }

    async fn replace_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId> {
        self.mock.replace_order(account, order, change).await
    }

    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let state = self.mock.order(account, order).await?.state;
        if self.is(Flaw::RefusesSecondCancel) && state.is_final() {
            let error = Error::new(ErrorKind::InvalidRequest, "the order is final");
            return Err(error.at_broker(self.id()).in_operation("cancel_order"));
        }
        self.mock.cancel_order(account, order).await
    }

    fn bulk_orders(&self) -> Option<&dyn BulkOrders> {
        self.mock.bulk_orders()
    }

    fn closed_trades(&self) -> Option<&dyn ClosedTrades> {
        Broker::closed_trades(&self.mock)
    }

    fn market_depth(&self) -> Option<&dyn MarketDepth> {
        self.mock.market_depth()
    }

    fn market_history(&self) -> Option<&dyn MarketHistory> {
        self.mock.market_history()
    }

    fn options(&self) -> Option<&dyn OptionsTrading> {
        self.mock.options()
    }

    fn order_previews(&self) -> Option<&dyn OrderPreviews> {
        self.mock.order_previews()
    }

    fn position_trading(&self) -> Option<&dyn PositionTrading> {
        self.mock.position_trading()
    }

    fn streaming(&self) -> Option<&dyn Streaming> {
        match self.flaw {
            Flaw::PromisesStreams => None,
            _ => self.mock.streaming(),
        }
    }

    fn trading_sessions(&self) -> Option<&dyn TradingSessions> {
        self.mock.trading_sessions()
    }
}

impl Flawed {
    async fn chosen(&self, account: &AccountId) -> Result<AccountId> {
        match self.flaw {
            Flaw::GuessesTheAccount => Ok(self.mock.accounts().await?.only()?.id),
            _ => Ok(account.clone()),
        }
    }
}

macro_rules! finds {
    ($($flaw:ident: $check:ident says $words:literal;)*) => {
        $(
            #[test]
            #[allow(non_snake_case)]
            fn $check() {
                let harness = FlawedHarness(Flaw::$flaw);
                let found: TestResult = broker::run(&harness, broker::$check);
                let failure = found.expect_err("the suite did not notice");
                let message = failure.message();
                assert!(message.contains($words), "{message}");
                assert!(!message.contains(PASSWORD), "{message}");
            }
        )*
    };
}

mod finds {
    use super::*;

    finds! {
        Resends: lost_answers_are_unknown_and_then_found says "without an answer it was accepted";
        CallsUnknownRefused: unknown_placements_outlive_the_process says "it was rejected";
        ResolvesRashly: lost_answers_of_filled_orders_are_found says "it was filled, but";
        Rounds: f50_f51_illegal_quantities_are_refused_unsent says "was not refused";
        PromisesStreams: roles_are_there_as_the_capabilities_say says "streaming";
        PromisesOptionIds: client_order_ids_of_options_are_kept says "was not refused";
        AnonymousErrors: errors_name_broker_and_operation says "order names broker None";
        GuessesTheAccount: accounts_of_others_are_refused says "of a foreign account gives None";
        SortsQuotes: quotes_come_in_the_order_asked says "asked for";
        SwallowsErrors: f31_broken_answers_are_never_taken_for_none says "read as 0 orders";
        RefusesSecondCancel: cancelling_twice_succeeds says "the order is final";
        ShowsPassword: enc_8_no_secret_shows_in_what_a_broker_gives says "secret 0 shows";
        LogsPassword: accounts_have_ids_of_their_own says "secret 0 shows in the log";
    }

    #[test]
    fn an_order_that_is_missing_after_a_limit() {
        let harness = FlawedHarness(Flaw::SwallowsErrors);
        let check = broker::f10_limits_are_waited_for_or_told;
        let failure = broker::run(&harness, check).unwrap_err();
        assert!(
            failure.message().contains("the order is missing"),
            "{failure}"
        );
    }

    #[test]
    fn a_resolution_without_evidence() {
        let harness = FlawedHarness(Flaw::ResolvesRashly);
        let check = broker::lost_requests_are_resolved_as_not_placed;
        let failure = broker::run(&harness, check).unwrap_err();
        assert!(failure.message().contains("it was never read"), "{failure}");
    }

    #[test]
    fn a_role_that_the_capabilities_deny() {
        let harness = FlawedHarness(Flaw::HidesDepth);
        let check = broker::roles_are_there_as_the_capabilities_say;
        let failure = broker::run(&harness, check).unwrap_err();
        assert!(failure.message().contains("market_depth"), "{failure}");
    }

    #[test]
    fn an_order_that_never_becomes_filled() {
        let harness = FlawedHarness(Flaw::ForgetsFills);
        let check = broker::market_orders_open_positions;
        let failure = broker::run(&harness, check).unwrap_err();
        assert!(failure.message().contains("stays working"), "{failure}");
    }

    #[test]
    fn nothing_in_a_log_without_secrets() {
        let logs = LogCapture::start();
        let harness = FlawedHarness(Flaw::HidesDepth);
        broker::run(&harness, broker::accounts_have_ids_of_their_own).unwrap();
        assert_eq!(logs.text(), "");
    }
}
