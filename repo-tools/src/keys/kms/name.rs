//! `aws-kms:` URIs, as tuftool writes them: `aws-kms:///KEY`, where KEY is an id, `alias/NAME` or an ARN.

/// A key in AWS KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKey {
    /// What the service is asked for.
    pub(super) id: String,
    /// By the ARN or by `?region=`.
    pub(super) region: Option<String>,
}

impl KmsKey {
    /// Reads what follows `aws-kms:`. The reason of a refusal repeats no word of it: somebody may have typed a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let id = match text.strip_prefix("//") {
            None => text,
            // Others write the ARN where a host would stand.
            Some(rest) if rest.starts_with("arn:") => rest,
            Some(rest) => rest.strip_prefix('/').ok_or(
                "expected aws-kms:///KEY, found the name of a profile; the AWS_ variables say who signs",
            )?,
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:".contains(&byte);
        if id.is_empty() || id.len() > 512 || !id.bytes().all(known) {
            return Err("expected the id, alias/NAME or ARN of a key in AWS KMS".into());
        }
        let asked = match query.split_once('=') {
            None if query.is_empty() => None,
            Some(("region", region)) if is_region(region) => Some(region.to_owned()),
            _ => return Err("expected ?region=REGION and nothing more behind the key".into()),
        };
        let region = match (arn_region(id)?, asked) {
            (Some(named), Some(asked)) if named != asked => {
                return Err("expected one region, found another in the ARN than in ?region=".into());
            }
            (named, asked) => named.or(asked),
        };
        Ok(Self { id: id.into(), region })
    }

    /// NAME of `alias/NAME`.
    pub(in crate::keys) fn alias(&self) -> Option<&str> {
        let resource = self.id.rsplit(':').next()?;
        resource.strip_prefix("alias/")?.rsplit('/').next()
    }
}

/// The region of an ARN; `None`: it is none.
fn arn_region(id: &str) -> Result<Option<String>, String> {
    let Some(arn) = id.strip_prefix("arn:") else { return Ok(None) };
    // partition : kms : region : account : key/ID or alias/NAME
    match arn.split(':').collect::<Vec<_>>().as_slice() {
        [_, "kms", region, _, resource]
            if is_region(region) && (resource.starts_with("key/") || resource.starts_with("alias/")) =>
        {
            Ok(Some((*region).into()))
        }
        _ => Err("expected arn:aws:kms:REGION:ACCOUNT:key/ID or :alias/NAME".into()),
    }
}

/// It becomes part of a host's name.
pub(super) fn is_region(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_write_them() {
        let uuid = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{uuid}");
        let alias = "arn:aws-cn:kms:cn-north-1:111122223333:alias/team/release";
        for (text, id, region, name) in [
            (uuid.to_owned(), uuid, None, None),
            (format!("///{uuid}"), uuid, None, None),
            (format!("///{uuid}?region=eu-west-1"), uuid, Some("eu-west-1"), None),
            ("alias/release".into(), "alias/release", None, Some("release")),
            ("///alias/release".into(), "alias/release", None, Some("release")),
            ("///mrk-0a1b".into(), "mrk-0a1b", None, None),
            (format!("///{arn}"), arn.as_str(), Some("eu-central-1"), None),
            (format!("//{arn}"), arn.as_str(), Some("eu-central-1"), None),
            (format!("{arn}?region=eu-central-1"), arn.as_str(), Some("eu-central-1"), None),
            (format!("///{alias}"), alias, Some("cn-north-1"), Some("release")),
        ] {
            let key = KmsKey { id: id.into(), region: region.map(str::to_owned) };
            assert_eq!(KmsKey::parse(&text), Ok(key.clone()), "{text}");
            assert_eq!(key.alias(), name, "{text}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for (text, word) in [
            ("", "id, alias/NAME or ARN"),
            ("///", "id, alias/NAME or ARN"),
            ("///4711 4711", "id, alias/NAME or ARN"),
            ("//AKIA4711:4711@host/key", "profile"),
            ("//profile4711/key", "profile"),
            ("///arn:aws:s3:::4711", "arn:aws:kms:"),
            ("///arn:aws:kms::4711:key/x", "arn:aws:kms:"),
            ("///arn:aws:kms:r:4711:x", "arn:aws:kms:"),
            ("///x?secret=4711", "?region="),
            ("///x?4711", "?region="),
            ("///x?region=4711.evil", "?region="),
            ("///x?region=a&secret=4711", "?region="),
            ("///arn:aws:kms:a:4711:key/x?region=b", "one region"),
        ] {
            let reason = KmsKey::parse(text).unwrap_err();
            assert!(reason.contains(word) && !reason.contains("4711"), "{text}: {reason}");
        }
    }
}
