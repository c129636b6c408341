//! Reading as far as known.

use partition_core::Slot;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The field, or its default when this version cannot read it.
pub(super) fn field<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The items that this version can read.
pub(super) fn items<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

/// The slot's letter, where there is one.
pub(super) mod slot {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Slot, Value};

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in crate::records) fn serialize<S: Serializer>(
        slot: &Option<Slot>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        slot.map(|slot| slot.to_string()).serialize(serializer)
    }

    pub(in crate::records) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Slot>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(value.as_str().and_then(|text| text.parse().ok()))
    }
}
