//! Tokens: made here, read by nobody but the client that looks at its claims.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Scope, Session};
use crate::{
    robinhood::{reply, state::State, text::uuid_of},
    server::Response,
};

impl State {
    /// Opens a session and answers with its tokens.
    pub(super) fn grant(
        &mut self,
        user: usize,
        device: Option<String>,
        read_only: bool,
        now: i64,
    ) -> Response {
        let session = self.auth.sessions.len();
        self.auth.sessions.push(Session {
            user,
            device,
            until: None,
            current_refresh: String::new(),
        });
        reply::ok(&self.issue(session, read_only, now))
    }

    /// Gives a session new tokens.
    pub(super) fn issue(&mut self, session: usize, read_only: bool, now: i64) -> Value {
        let life = i64::try_from(self.world.settings.access_token_life.as_secs())
            .unwrap_or(i64::MAX / 4_000);
        let user = self.auth.sessions[session].user;
        let user_id = self.users[user].id.clone();
        let device = self.auth.sessions[session]
            .device
            .clone()
            .unwrap_or_default();
        let access = self.token(&user_id, &device, "internal", now / 1_000 + life);
        let read = read_only.then(|| self.token(&user_id, &device, "read", now / 1_000 + life));
        let refresh = self.world.secret();
        self.auth
            .access
            .insert(access.clone(), (session, Scope::Internal));
        if let Some(read) = &read {
            self.auth
                .access
                .insert(read.clone(), (session, Scope::Read));
        }
        self.auth.refresh.insert(refresh.clone(), session);
        let record = &mut self.auth.sessions[session];
        record.until = Some(now + life * 1_000);
        record.current_refresh.clone_from(&refresh);
        json!({
            "access_token": access,
            "expires_in": life,
            "token_type": "Bearer",
            "scope": "internal",
            "refresh_token": refresh,
            "mfa_code": null,
            "backup_code": null,
            "user_uuid": user_id,
            "read_only_secondary_access_token": read,
        })
    }

    fn token(&mut self, user: &str, device: &str, scope: &str, expires: i64) -> String {
        let unique = self.world.secret();
        if self.world.settings.opaque_tokens {
            return unique;
        }
        let record = |service: &str, shard: u32| json!({"halted": false, "service": service, "shard_id": shard, "state": "available"});
        let claims = json!({
            "dct": 1_762_000_000,
            "device_hash": uuid_of(device).replace('-', ""),
            "exp": expires,
            "level2_access": true,
            "meta": {"oid": "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS", "on": "Robinhood"},
            "options": true,
            "pos": "p",
            "scope": scope,
            "service_records": [record("nummus_us", 1), record("brokeback_us", 3)],
            "slg": 1,
            "token": unique,
            "user_id": user,
            "user_origin": "US",
        });
        let head = json!({"alg": "ES256", "kid": "2", "typ": "JWT"});
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        // Nobody can check the broker's key, so any signature will do.
        let signature = URL_SAFE_NO_PAD.encode(self.world.secret());
        format!("{head}.{claims}.{signature}")
    }
}
