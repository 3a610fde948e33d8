//! Logins, refreshes and the sessions behind the tokens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use time::format_description::well_known::Rfc3339;

use super::{
    ledger::{Login, Refresh},
    reply,
    settings::{RefreshReuse, SessionLimit, Settings},
    state::State,
    token::{Claims, Signer, TokenType},
};
use crate::{
    clock::from_millis,
    random::mix,
    server::{Request, Response},
};

#[derive(Debug)]
struct Session {
    user: usize,
    refresh_serial: u64,
    ends: i64,
}

#[derive(Debug)]
pub(super) struct Auth {
    signer: Signer,
    sessions: BTreeMap<u64, Session>,
    serial: u64,
    /// Access tokens with a smaller serial are refused.
    oldest_access: u64,
    /// Sessions with a smaller id are of earlier runs. Zero if there are none.
    first_session: u64,
    /// Sessions of earlier runs that were ended in this one.
    ended: BTreeSet<u64>,
}

#[derive(Deserialize)]
struct LoginBody {
    email: String,
    password: secrecy::SecretString,
    server: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshBody {
    refresh_token: secrecy::SecretString,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expire_date: String,
}

#[derive(Serialize)]
struct StreamTokens {
    data: Vec<StreamToken>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamToken {
    access_token: String,
    account_id: String,
    brand_id: String,
    expire_date: String,
}

#[derive(Serialize)]
struct AllAccounts {
    accounts: Vec<AccountLine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountLine {
    id: String,
    name: String,
    currency: String,
    acc_num: String,
    account_balance: String,
    status: String,
}

impl Auth {
    /// Serial numbers begin after `first_serial`; unless it is zero, those before are of earlier
    /// runs and good.
    pub(super) fn new(seed: u64, first_serial: u64) -> Self {
        let signer = Signer::new(seed);
        Self {
            signer,
            sessions: BTreeMap::new(),
            serial: first_serial,
            oldest_access: 0,
            first_session: first_serial,
            ended: BTreeSet::new(),
        }
    }

    /// The user of a session that is open, in this run or since an earlier one.
    fn user_of_session(&self, claims: &Claims, users: usize) -> Option<usize> {
        if let Some(session) = self.sessions.get(&claims.sid) {
            return Some(session.user);
        }
        let earlier = (1..self.first_session).contains(&claims.sid);
        let open = earlier && !self.ended.contains(&claims.sid);
        (0..users).find(|user| open && uuid(*user) == claims.uid)
    }

    /// The user of a valid access token.
    pub(super) fn user(&self, request: &Request, users: usize, now: i64) -> Option<usize> {
        let token = request.header("authorization")?.strip_prefix("Bearer ")?;
        let claims = self.signer.verify(token)?;
        let serial: u64 = claims.jti.parse().ok()?;
        let fresh = claims.kind == TokenType::Access
            && claims.exp * 1_000 > now
            && serial >= self.oldest_access;
        self.user_of_session(&claims, users).filter(|_| fresh)
    }

    pub(super) fn expire_access(&mut self) {
        self.oldest_access = self.serial + 1;
    }

    pub(super) fn revoke_all(&mut self) {
        self.sessions.clear();
        self.first_session = 0;
    }

    pub(super) fn session_count(&self, now: i64) -> usize {
        self.sessions
            .values()
            .filter(|session| session.ends > now)
            .count()
    }

    fn claims(
        &mut self,
        kind: TokenType,
        sid: u64,
        who: Who<'_>,
        life: Duration,
        now: i64,
    ) -> Claims {
        self.serial += 1;
        let iat = now.div_euclid(1_000);
        Claims {
            iss: "tradelocker-api".to_owned(),
            aud: "tradelocker-api-traders".to_owned(),
            kind,
            sub: format!("{}#{}", who.brand, user_key(who.user)),
            uid: uuid(who.user),
            brand: who.brand.to_owned(),
            iat,
            exp: iat + i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 4_000),
            jti: self.serial.to_string(),
            sid,
            host: None,
        }
    }

    fn issue(&mut self, sid: u64, who: Who<'_>, settings: &Settings, now: i64) -> Tokens {
        let access = self.claims(TokenType::Access, sid, who, settings.access_token_life, now);
        let refresh = self.claims(
            TokenType::Refresh,
            sid,
            who,
            settings.refresh_token_life,
            now,
        );
        let session = Session {
            user: who.user,
            refresh_serial: self.serial,
            ends: refresh.exp * 1_000,
        };
        self.sessions.insert(sid, session);
        Tokens {
            access_token: self.signer.sign(&access),
            refresh_token: self.signer.sign(&refresh),
            expire_date: iso(access.exp * 1_000),
        }
    }

    /// Makes room for one more session of a user, or says that there is none.
    fn admit(&mut self, user: usize, limit: SessionLimit, now: i64) -> bool {
        self.sessions.retain(|_, session| session.ends > now);
        let of_user = |auth: &Self| -> Vec<u64> {
            auth.sessions
                .iter()
                .filter(|(_, s)| s.user == user)
                .map(|(sid, _)| *sid)
                .collect()
        };
        match limit {
            SessionLimit::Unlimited => true,
            SessionLimit::Refuse(most) => of_user(self).len() < most,
            SessionLimit::EvictOldest(most) => {
                let open = of_user(self);
                let surplus = (open.len() + 1).saturating_sub(most.max(1));
                for sid in open.iter().take(surplus) {
                    self.sessions.remove(sid);
                    self.ended.insert(*sid);
                }
                true
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Who<'a> {
    user: usize,
    brand: &'a str,
}

impl State {
    pub(super) fn login(&mut self, request: &Request, now: i64) -> Response {
        let Ok(body) = serde_json::from_slice::<LoginBody>(&request.body) else {
            return reply::refused(400, "email, password and server are required");
        };
        let limit = self.world.settings.session_limit;
        let user = self.user_of(&body);
        let admitted = user.filter(|user| self.auth.admit(*user, limit, now));
        self.world.ledger.push_login(Login {
            at: from_millis(now),
            email: body.email,
            server: body.server,
            accepted: admitted.is_some(),
        });
        let Some(user) = admitted else {
            if user.is_some() {
                return reply::refused(403, "Too many sessions");
            }
            let status = self.world.settings.bad_credentials_status;
            return reply::refused(status, "Incorrect email or password");
        };
        let sid = self.auth.serial + 1;
        let who = Who {
            user,
            brand: &self.users[user].server,
        };
        Response::json(201, &self.auth.issue(sid, who, &self.world.settings, now))
    }

    pub(super) fn refresh(&mut self, request: &Request, now: i64) -> Response {
        let Ok(body) = serde_json::from_slice::<RefreshBody>(&request.body) else {
            return reply::refused(400, "refreshToken is required");
        };
        let outcome = self.check_refresh(body.refresh_token.expose_secret(), now);
        self.world.ledger.push_refresh(Refresh {
            at: from_millis(now),
            accepted: matches!(outcome, RefreshOutcome::Accepted { .. }),
            reused: matches!(
                outcome,
                RefreshOutcome::Reused | RefreshOutcome::Accepted { reused: true, .. }
            ),
        });
        let RefreshOutcome::Accepted { sid, user, .. } = outcome else {
            return reply::refused(400, "Invalid refresh token");
        };
        let who = Who {
            user,
            brand: &self.users[user].server,
        };
        Response::json(201, &self.auth.issue(sid, who, &self.world.settings, now))
    }

    fn check_refresh(&mut self, token: &str, now: i64) -> RefreshOutcome {
        let valid = self
            .auth
            .signer
            .verify(token)
            .filter(|claims| claims.kind == TokenType::Refresh && claims.exp * 1_000 > now);
        let Some(claims) = valid else {
            return RefreshOutcome::Refused;
        };
        let Some(user) = self.auth.user_of_session(&claims, self.users.len()) else {
            return RefreshOutcome::Refused;
        };
        let session = self.auth.sessions.get(&claims.sid);
        let reused = session.is_some_and(|s| claims.jti != s.refresh_serial.to_string());
        let accepted = RefreshOutcome::Accepted {
            sid: claims.sid,
            user,
            reused,
        };
        match self.world.settings.refresh_reuse {
            _ if !reused => accepted,
            RefreshReuse::Accept => accepted,
            RefreshReuse::Refuse => RefreshOutcome::Reused,
            RefreshReuse::RevokeSession => {
                self.auth.sessions.remove(&claims.sid);
                self.auth.ended.insert(claims.sid);
                RefreshOutcome::Reused
            }
        }
    }

    pub(super) fn stream_tokens(&mut self, request: &Request, now: i64) -> Response {
        let Ok(body) = serde_json::from_slice::<LoginBody>(&request.body) else {
            return reply::refused(400, "email, password and server are required");
        };
        let Some(user) = self.user_of(&body) else {
            let status = self.world.settings.bad_credentials_status;
            return reply::refused(status, "Incorrect email or password");
        };
        let host = request.header("host").map(str::to_owned);
        let brand = self.users[user].server.clone();
        let life = self.world.settings.access_token_life;
        let ids: Vec<String> = self
            .accounts_of(user)
            .map(|account| account.spec.id.clone())
            .collect();
        let data = ids.into_iter().map(|id| {
            let who = Who {
                user,
                brand: &brand,
            };
            // Session 0 never exists: these tokens are for the stream only.
            let mut claims = self.auth.claims(TokenType::Access, 0, who, life, now);
            claims.host = host.clone();
            StreamToken {
                access_token: self.auth.signer.sign(&claims),
                account_id: format!("D#{id}"),
                brand_id: brand.clone(),
                expire_date: iso(claims.exp * 1_000),
            }
        });
        Response::json(
            201,
            &StreamTokens {
                data: data.collect(),
            },
        )
    }

    pub(super) fn all_accounts(&self, user: usize) -> Response {
        let brand = &self.users[user].server;
        let accounts = self.accounts_of(user).map(|account| AccountLine {
            id: account.spec.id.clone(),
            name: account_name(brand, user, account.acc_num),
            currency: account.spec.currency.clone(),
            acc_num: account.acc_num.to_string(),
            account_balance: format!("{:.2}", account.balance),
            status: account.spec.status.clone(),
        });
        Response::json(
            200,
            &AllAccounts {
                accounts: accounts.collect(),
            },
        )
    }

    fn user_of(&self, body: &LoginBody) -> Option<usize> {
        let given = body.password.expose_secret().as_bytes();
        self.users.iter().position(|user| {
            user.email == body.email
                && user.server == body.server
                && bool::from(user.password.expose_secret().as_bytes().ct_eq(given))
        })
    }
}

enum RefreshOutcome {
    Accepted { sid: u64, user: usize, reused: bool },
    Refused,
    Reused,
}

pub(super) fn account_name(brand: &str, user: usize, acc_num: u32) -> String {
    format!("{brand}#{}#{acc_num}#1", user_key(user))
}

fn user_key(user: usize) -> String {
    format!("usr{:017}", user + 1)
}

fn uuid(user: usize) -> String {
    let bits = mix(0, user as u64);
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        bits >> 32,
        bits >> 16 & 0xFFFF,
        user + 1
    )
}

fn iso(millis: i64) -> String {
    let whole = from_millis(millis).format(&Rfc3339).unwrap_or_default();
    whole.replace('Z', ".000Z")
}
