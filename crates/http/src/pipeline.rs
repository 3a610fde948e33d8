use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;
use wheelhouse_core::{AccessToken, Effect, Error, ErrorKind, RetryAdvice};
use wheelhouse_ratelimit::LimitRequest;
use zeroize::Zeroizing;

use crate::{
    Answer, Call, CallError, Resend, Sent,
    attempt::{self, Outgoing, Reply},
    client::Shared,
    content::{self, Content},
    error::Failure,
    retry_after,
    signer::{self, Unsigned},
    validate,
};

/// Carries a call through: limit, token, exchange, and again where that is allowed.
pub(crate) async fn run(mut call: Call<'_>) -> Result<Answer, CallError> {
    let url = match call.prepare() {
        Ok(url) => url,
        Err(error) => return Err(call.refuse(error)),
    };
    let shared = &*call.client.shared;
    let mut run = Run {
        url,
        shared,
        until: shared.clock.monotonic() + shared.deadlines.total,
        attempts: 0,
        asked_to_wait: Duration::ZERO,
        replacement: None,
        refreshed: false,
        sent: Sent::No,
        maybe_applied: false,
        call: &call,
    };
    shared.budget.earn();
    loop {
        let token = run.clear_the_way().await?;
        let outcome = run.exchange(token.as_ref()).await;
        if let Some(result) = run.decide(outcome, token).await {
            return result;
        }
    }
}

struct Run<'a> {
    call: &'a Call<'a>,
    url: Url,
    shared: &'a Shared,
    /// When the call has to end, in monotonic time.
    until: Duration,
    attempts: u32,
    /// How long the server has made this call wait.
    asked_to_wait: Duration,
    replacement: Option<AccessToken>,
    refreshed: bool,
    /// How far any attempt got.
    sent: Sent,
    maybe_applied: bool,
}

impl Run<'_> {
    /// Waits for the limit and gets the token; neither counts against the deadline.
    async fn clear_the_way(&mut self) -> Result<Option<AccessToken>, CallError> {
        let (call, endpoint) = (self.call, self.call.endpoint);
        let begun = self.shared.clock.monotonic();
        let request = LimitRequest::new(&call.target.scope, endpoint.limit)
            .with_priority(endpoint.priority)
            .with_max_wait(call.max_wait);
        let limited = self.shared.limiter.acquire(&request).await;
        limited.map_err(|error| self.error(error))?;

        let token = match (endpoint.needs_token, self.replacement.take(), call.token) {
            (true, Some(token), _) => Some(token),
            (true, None, Some(source)) => {
                Some(source.token().await.map_err(|error| self.error(error))?)
            }
            _ => None,
        };
        self.until += self.shared.clock.monotonic().saturating_sub(begun);
        Ok(token)
    }

    async fn exchange(&mut self, token: Option<&AccessToken>) -> Result<Reply, Failure> {
        self.attempts += 1;
        let call = self.call;
        let mut headers = headers(&call.headers, token)?;
        if let Some(signer) = call.signer {
            let origin = call.target.base.origin();
            let unsigned = Unsigned::new(call.endpoint.method, origin, &self.url, &call.body);
            signer::sign(signer, &unsigned, &mut headers)?;
        }
        let outgoing = Outgoing {
            method: call.endpoint.method,
            url: self.url.clone(),
            headers,
            body: call.body.clone(),
        };
        let cap = call.endpoint.body_cap.unwrap_or(self.shared.body_cap);
        let begun = self.shared.clock.monotonic();
        let outcome = attempt::exchange(self.shared, outgoing, cap, self.until).await;
        let elapsed = self.shared.clock.monotonic().saturating_sub(begun);
        match &outcome {
            Ok(reply) => tracing::debug!(
                operation = call.endpoint.operation,
                method = %call.endpoint.method,
                origin = %call.target.base.origin(),
                path = call.endpoint.template,
                attempt = self.attempts,
                status = reply.status,
                bytes = reply.body.len(),
                ?elapsed,
                "answered"
            ),
            Err(failure) => tracing::debug!(
                operation = call.endpoint.operation,
                method = %call.endpoint.method,
                origin = %call.target.base.origin(),
                path = call.endpoint.template,
                attempt = self.attempts,
                sent = ?failure.sent,
                error = %failure.message,
                cause = failure.cause.as_ref().map(tracing::field::display),
                ?elapsed,
                "failed"
            ),
        }
        outcome
    }

    /// Looks at what came of an attempt. `None` means: once more.
    async fn decide(
        &mut self,
        outcome: Result<Reply, Failure>,
        token: Option<AccessToken>,
    ) -> Option<Result<Answer, CallError>> {
        let reply = match outcome {
            Ok(reply) => reply,
            Err(failure) => {
                self.note(failure.sent, true);
                if self.may_go_again(failure.sent, failure.transient)
                    && self.wait(None, false).await
                {
                    return None;
                }
                return Some(Err(self.fail(failure)));
            }
        };
        let content = Content::of(&reply.headers, &reply.body);
        let status = reply.status;
        // Neither reached the part of a broker that changes anything.
        let refused = status == 429 || (status == 401 && content != Content::Markup);
        let earlier_unclear = self.maybe_applied && self.call.endpoint.resend != Resend::Read;
        self.note(Sent::Answered, !refused);

        if status == 401
            && content != Content::Markup
            && !self.refreshed
            && let Some((used, source)) = token.as_ref().zip(self.call.token)
        {
            self.refreshed = true;
            let begun = self.shared.clock.monotonic();
            let replaced = source.replace(used).await;
            self.until += self.shared.clock.monotonic().saturating_sub(begun);
            match replaced {
                Ok(token) if self.may_repeat() => {
                    self.replacement = Some(token);
                    return None;
                }
                Err(error) if self.may_repeat() => return Some(Err(self.error(error))),
                // What was sent once is not sent again; the adapter says that nothing came of it.
                _ => {}
            }
        }

        let mut asked = retry_after::retry_after(&reply.headers, self.shared.clock.now());
        if let (429, None, Some(read)) = (status, asked, self.call.target.wait_in_body) {
            asked = read(&reply.body).map(|wait| wait.min(retry_after::LONGEST));
        }
        if status == 429 || (status == 503 && asked.is_some()) {
            self.slow_down(status, asked).await;
        }
        if matches!(status, 429 | 500 | 502 | 503 | 504)
            && self.may_go_again(Sent::Answered, true)
            && self.wait(asked, status == 429).await
        {
            return None;
        }
        let answer = self.conclude(reply, content, asked);
        Some(answer.map(|answer| Answer {
            earlier_unclear,
            ..answer
        }))
    }

    /// Makes the answer, or the error for what is none.
    fn conclude(
        &self,
        reply: Reply,
        content: Content,
        asked: Option<Duration>,
    ) -> Result<Answer, CallError> {
        let status = reply.status;
        let success = (200..300).contains(&status);
        if status == 429 && (self.may_repeat() || content == Content::Markup) {
            let wait = asked.unwrap_or(self.shared.retry.first_when_limited);
            let message = format!("the broker's limit is reached{}", self.place());
            let error = Error::new(ErrorKind::RateLimited, message);
            return Err(self.error(error.with_advice(RetryAdvice::After(wait))));
        }
        let wrong = match content {
            Content::Markup => Some("an HTML page came instead of the API's answer"),
            Content::Text if success && !self.call.endpoint.any_content => {
                Some("text came that is not JSON")
            }
            // An edge in front of the broker says no like this; the broker itself says it in JSON.
            Content::Text if (400..500).contains(&status) && !matches!(status, 401 | 404 | 429) => {
                Some("a refusal came that is not the API's")
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("{wrong} (status {status})");
            let failure = Failure::new(ErrorKind::NotTheProtocol, Sent::Answered, message);
            return Err(self.fail(failure));
        }
        let text = content::into_text(reply.body).map_err(|failure| self.fail(failure))?;
        Ok(Answer {
            status,
            text,
            server_date: retry_after::server_date(&reply.headers),
            retry_after: asked,
            headers: reply.headers,
            earlier_unclear: false,
        })
    }

    /// Stops every caller of the scope for as long as the server asks, within reason: a call that
    /// comes after the longest pause asks the server again.
    async fn slow_down(&self, status: u16, asked: Option<Duration>) {
        let (limiter, scope) = (&self.shared.limiter, &self.call.target.scope);
        let policy = &self.shared.retry;
        let wait = asked
            .unwrap_or(policy.first)
            .max(policy.first)
            .min(policy.server_cap);
        limiter.pause(scope, wait).await;
        if status == 429 {
            limiter
                .observe_rejection(scope, self.call.endpoint.limit)
                .await;
        }
    }

    fn may_repeat(&self) -> bool {
        self.call.endpoint.resend != Resend::Once
    }

    fn may_go_again(&self, sent: Sent, transient: bool) -> bool {
        let allowed = sent == Sent::No || self.may_repeat();
        allowed && transient && self.attempts < self.shared.retry.attempts
    }

    /// Waits before the next attempt: as long as the server asks, and never less than the own
    /// backoff. `false` if that is longer than it may be, or the budget is spent.
    async fn wait(&mut self, asked: Option<Duration>, limited: bool) -> bool {
        let (clock, policy) = (&self.shared.clock, &self.shared.retry);
        let Ok(own) = policy.backoff(&*self.shared.random, self.attempts, limited) else {
            return false;
        };
        let now = clock.monotonic();
        let wait = match asked {
            Some(asked) => {
                let left = policy.server_cap.saturating_sub(self.asked_to_wait);
                if asked > left {
                    return false;
                }
                asked.saturating_add(own).min(left).max(own)
            }
            None => own,
        };
        if asked.is_none() && now + wait >= self.until {
            return false;
        }
        if !self.shared.budget.spend(now) {
            tracing::warn!(
                operation = self.call.endpoint.operation,
                "the budget for retries is spent"
            );
            return false;
        }
        clock.sleep(wait).await;
        if asked.is_some() {
            self.asked_to_wait += wait;
            self.until += clock.monotonic().saturating_sub(now);
        }
        true
    }

    fn note(&mut self, sent: Sent, may_have_changed: bool) {
        self.sent = self.sent.max(sent);
        self.maybe_applied |= sent > Sent::No && may_have_changed;
    }

    fn fail(&self, failure: Failure) -> CallError {
        let message = format!("{}{}", failure.message, self.place());
        let error = Error::new(failure.kind, message);
        self.error(match failure.cause {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }

    /// Completes an error with what may have happened.
    fn error(&self, error: Error) -> CallError {
        let may_have_changed = self.maybe_applied && self.call.endpoint.resend != Resend::Read;
        let error = if may_have_changed {
            let error = error.with_effect(Effect::MaybeApplied);
            match self.call.endpoint.resend {
                Resend::Once => error.with_advice(RetryAdvice::ResolveFirst),
                _ => error,
            }
        } else {
            error.with_effect(Effect::None)
        };
        CallError {
            error: self.call.place(error),
            sent: self.sent,
        }
    }

    /// Says where it happened: host and path template, without query and values.
    fn place(&self) -> String {
        let (target, endpoint) = (&self.call.target, self.call.endpoint);
        format!(
            " ({} {}{})",
            endpoint.method, target.base, endpoint.template
        )
    }
}

fn headers(own: &HeaderMap, token: Option<&AccessToken>) -> Result<HeaderMap, Failure> {
    let mut headers = own.clone();
    headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    if let Some(token) = token {
        let unusable = |why: String| Failure::new(ErrorKind::InvalidInput, Sent::No, why);
        validate::header("the token", token.expose())
            .map_err(|e| unusable(e.message().to_owned()))?;
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| unusable("the token cannot be sent in a header".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}
