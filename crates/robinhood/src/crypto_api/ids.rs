//! This side's identifiers of orders. The broker takes UUIDs only.

use uuid::{Builder, Uuid};
use wheelhouse_core::{BrokerOrderId, ClientOrderId, Random, Result};

/// Makes a new identifier out of random bytes.
pub(crate) fn generate(random: &dyn Random) -> Result<ClientOrderId> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    ClientOrderId::new(Builder::from_random_bytes(bytes).into_uuid().to_string())
}

/// Returns what the broker gets as the identifier: the UUID itself, or, of what is none, a UUID
/// made of its SHA-256. So the same identifier always leads to the same order, also from another
/// process.
pub(crate) fn on_the_wire(id: &ClientOrderId) -> String {
    let uuid = Uuid::try_parse(id.as_str()).unwrap_or_else(|_| {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(b"wheelhouse client order id\0");
        context.update(id.as_str().as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&context.finish().as_ref()[..16]);
        Builder::from_random_bytes(bytes).into_uuid()
    });
    uuid.hyphenated().to_string()
}

/// Returns the broker's identifier as it stands in a path; `None` for what it never gives.
pub(crate) fn order_on_the_wire(id: &BrokerOrderId) -> Option<String> {
    let uuid = Uuid::try_parse(id.as_str()).ok()?;
    Some(uuid.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(0xAB);
            Ok(())
        }
    }

    fn wire(id: &str) -> String {
        on_the_wire(&ClientOrderId::new(id).unwrap())
    }

    #[test]
    fn uuids_stay_and_other_identifiers_become_uuids_of_their_own() {
        let uuid = "131de903-5a9c-4260-abc1-28d562a5dcf0";
        assert_eq!(wire(uuid), uuid);
        assert_eq!(wire(&uuid.to_uppercase()), uuid);
        assert_eq!(wire(&uuid.replace('-', "")), uuid);
        let made = wire("KIT-01KE7W0K00000000000000000");
        assert_eq!(Uuid::try_parse(&made).unwrap().get_version_num(), 4);
        assert_eq!(made, wire("KIT-01KE7W0K00000000000000000"));
        assert_ne!(made, wire("KIT-01KE7W0K00000000000000001"));
    }

    #[test]
    fn new_identifiers_are_uuids() {
        let id = generate(&Fixed).unwrap();
        assert_eq!(id.as_str(), "abababab-abab-4bab-abab-abababababab");
        assert_eq!(wire(id.as_str()), id.as_str());
    }
}
