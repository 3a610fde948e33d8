use std::fmt;

use wheelhouse_ratelimit::{LimitClass, Priority};

/// One call of a broker's API: what it is called, where it is, and which limit it counts against.
///
/// All three are compulsory, so no endpoint can be called without naming its limit:
///
/// ```
/// use wheelhouse_http::Endpoint;
/// use wheelhouse_ratelimit::{LimitClass, Quota};
///
/// const PLACE: LimitClass = LimitClass::new("demo.place", Quota::per_second(5));
/// const POSITIONS: LimitClass = LimitClass::new("demo.positions", Quota::per_second(1));
///
/// static GET_POSITIONS: Endpoint =
///     Endpoint::get("positions", "/trade/accounts/{accountId}/positions", POSITIONS);
/// static PLACE_ORDER: Endpoint =
///     Endpoint::post("place_order", "/trade/accounts/{accountId}/orders", PLACE);
/// static CANCEL_ORDER: Endpoint =
///     Endpoint::delete("cancel_order", "/trade/orders/{orderId}", PLACE).idempotent().reserved();
/// ```
///
/// ```compile_fail,E0061
/// use wheelhouse_http::Endpoint;
///
/// static GET_POSITIONS: Endpoint =
///     Endpoint::get("positions", "/trade/accounts/{accountId}/positions");
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) limit: LimitClass,
    pub(crate) resend: Resend,
    pub(crate) priority: Priority,
    pub(crate) needs_token: bool,
    pub(crate) any_content: bool,
    pub(crate) body_cap: Option<usize>,
}

/// What may be done with a request of which nobody knows whether the broker has had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resend {
    /// It changes something, and twice is as good as once: it may be sent again.
    Idempotent,
    /// It must not reach the broker twice: it is sent once.
    Once,
    /// It changes nothing: it may be sent again.
    Read,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Method {
    Delete,
    Get,
    Patch,
    Post,
    Put,
}

impl Endpoint {
    /// Names a read.
    ///
    /// `operation` is the name in errors and logs. `template` is the path below the base URL; parts
    /// in braces are filled in by [`Call::path`](crate::Call::path).
    pub const fn get(operation: &'static str, template: &'static str, limit: LimitClass) -> Self {
        Self::new(Method::Get, operation, template, limit, Resend::Read)
    }

    /// Names a `POST`, which is sent once unless it is said to be [`idempotent`](Self::idempotent)
    /// or a [`read`](Self::read).
    pub const fn post(operation: &'static str, template: &'static str, limit: LimitClass) -> Self {
        Self::new(Method::Post, operation, template, limit, Resend::Once)
    }

    /// Names a `PUT`, which is sent once unless it is said to be [`idempotent`](Self::idempotent).
    pub const fn put(operation: &'static str, template: &'static str, limit: LimitClass) -> Self {
        Self::new(Method::Put, operation, template, limit, Resend::Once)
    }

    /// Names a `PATCH`, which is sent once unless it is said to be
    /// [`idempotent`](Self::idempotent).
    pub const fn patch(operation: &'static str, template: &'static str, limit: LimitClass) -> Self {
        Self::new(Method::Patch, operation, template, limit, Resend::Once)
    }

    /// Names a `DELETE`, which is sent once unless it is said to be
    /// [`idempotent`](Self::idempotent): closing half a position twice closes it.
    pub const fn delete(
        operation: &'static str,
        template: &'static str,
        limit: LimitClass,
    ) -> Self {
        Self::new(Method::Delete, operation, template, limit, Resend::Once)
    }

    const fn new(
        method: Method,
        operation: &'static str,
        template: &'static str,
        limit: LimitClass,
        resend: Resend,
    ) -> Self {
        Self {
            operation,
            method,
            template,
            limit,
            resend,
            priority: Priority::Normal,
            needs_token: true,
            any_content: false,
            body_cap: None,
        }
    }

    /// Says that it may reach the broker twice without harm.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.resend = Resend::Idempotent;
        self
    }

    /// Says that it must not reach the broker twice.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.resend = Resend::Once;
        self
    }

    /// Says that it changes nothing, whatever its method.
    #[must_use]
    pub const fn read(mut self) -> Self {
        self.resend = Resend::Read;
        self
    }

    /// Lets it use the reserved part of its limit: cancels, and reads that resolve an order.
    #[must_use]
    pub const fn reserved(mut self) -> Self {
        self.priority = Priority::Reserved;
        self
    }

    /// Sends it without a token, even if the call has one: logins and refreshes.
    #[must_use]
    pub const fn without_token(mut self) -> Self {
        self.needs_token = false;
        self
    }

    /// Takes any text as an answer, not only JSON. HTML pages are refused all the same.
    #[must_use]
    pub const fn any_content(mut self) -> Self {
        self.any_content = true;
        self
    }

    /// Sets how many bytes its answer may have after decompression; the client's cap unless set.
    #[must_use]
    pub const fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = Some(bytes);
        self
    }

    /// Returns the name in errors and logs.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the path below the base URL, with its parts in braces.
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// Returns the limit that it counts against.
    pub const fn limit(&self) -> LimitClass {
        self.limit
    }

    /// Returns what may be done when it is not known whether the broker has had it.
    pub const fn resend(&self) -> Resend {
        self.resend
    }
}

impl Method {
    pub(crate) fn to_reqwest(self) -> reqwest::Method {
        match self {
            Self::Delete => reqwest::Method::DELETE,
            Self::Get => reqwest::Method::GET,
            Self::Patch => reqwest::Method::PATCH,
            Self::Post => reqwest::Method::POST,
            Self::Put => reqwest::Method::PUT,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        })
    }
}
