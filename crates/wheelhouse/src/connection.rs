use std::{path::Path, sync::Arc};

use wheelhouse_core::{Broker, Result};
use wheelhouse_session::Session;
use wheelhouse_settings::Settings;

use crate::Connector;

/// A broker, and the session through which it speaks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connection<B> {
    /// The broker.
    pub broker: B,
    /// The session; it can be validated and destroyed by the
    /// [`SessionManager`](crate::session::SessionManager).
    pub session: Session,
    /// Whether a stored session was taken up; otherwise there was a login.
    pub resumed: bool,
}

/// How far connecting has come, for programs that can ask their user.
#[cfg(feature = "robinhood")]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Connecting<B> {
    /// The broker asks for something more before it lets the user in.
    Challenge(wheelhouse_session::OpenLogin),
    /// The user is in.
    Connected(Connection<B>),
}

/// Connects to a broker with the settings of the environment and of a `.env` file in the current
/// directory, if there is one: with the stored session if it still lives, with a login otherwise.
///
/// For more than one broker or user make a [`Connector`], which shares everything that can be
/// shared, and can be [closed](Connector::close) at the end.
///
/// # Errors
///
/// [`Configuration`](crate::ErrorKind::Configuration) or
/// [`MissingField`](crate::ErrorKind::MissingField) naming the settings that are wrong or missing,
/// [`Unsupported`](crate::ErrorKind::Unsupported) if there is no such broker in this build, and
/// whatever a login can fail with.
pub async fn connect(broker: &str) -> Result<Arc<dyn Broker>> {
    let mut settings = Settings::builder().variables(std::env::vars_os());
    if Path::new(".env").exists() {
        settings = settings.env_file(".env");
    }
    Connector::builder()
        .settings(settings.build()?)
        .build()
        .await?
        .connect(broker)
        .await
}
