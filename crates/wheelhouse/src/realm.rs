use std::sync::Arc;

use async_trait::async_trait;
use wheelhouse_core::{BrokerId, Result};
use wheelhouse_session::{
    Authenticator, ChallengeAnswer, Credentials, Grant, LoginStep, PendingLogin, SessionPolicy,
};

/// An authenticator whose sessions belong to a world of another name.
#[derive(Debug)]
pub(crate) struct InRealm {
    inner: Arc<dyn Authenticator>,
    realm: String,
}

impl InRealm {
    pub(crate) fn new(inner: Arc<dyn Authenticator>, realm: String) -> Self {
        Self { inner, realm }
    }
}

#[async_trait]
impl Authenticator for InRealm {
    fn broker(&self) -> BrokerId {
        self.inner.broker()
    }

    fn realm(&self) -> String {
        self.realm.clone()
    }

    fn policy(&self) -> SessionPolicy {
        self.inner.policy()
    }

    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep> {
        self.inner.begin(credentials).await
    }

    async fn answer(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep> {
        self.inner.answer(pending, answer).await
    }

    async fn refresh(&self, grant: &Grant) -> Result<Grant> {
        self.inner.refresh(grant).await
    }

    async fn revoke(&self, grant: &Grant) -> Result<()> {
        self.inner.revoke(grant).await
    }
}
