//! Against a small store of the test's own, which can be slow, busy and rude. A real one is held to
//! the same by `make check-s3`.

mod fake;

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::StatusCode;
use object_store::{Error, GetOptions, GetRange};
use sqlx::PgPool;
use uuid::Uuid;

use self::fake::{FakeS3, KEY, SECRET};
use super::*;
use crate::keep::KeepError;
use crate::place::{FileWriting, OpenedPlace};

const MIB: u64 = 1024 * 1024;
const SOON: Bounds =
    Bounds { head: Duration::from_millis(300), silence: Duration::from_millis(300) };

fn settings(fake: &FakeS3) -> S3Settings {
    S3Settings {
        url: fake.url.clone(),
        bucket: "files".to_owned(),
        region: "eu-central-1".to_owned(),
        prefix: "desk".to_owned(),
        access_key: Secret::new(KEY),
        secret_key: Secret::new(SECRET),
        ca_file: fake.ca_file.clone(),
    }
}

fn bucket(fake: &FakeS3) -> S3Bucket {
    S3Bucket::new(&settings(fake), 100 * MIB, SOON).unwrap()
}

/// No database: what fits into one part needs none.
fn no_database() -> PgPool {
    PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap()
}

async fn put(bucket: &S3Bucket, file: Uuid, bytes: &[u8]) -> Result<(), KeepError> {
    let FileWriting::S3(mut upload) = OpenedPlace::S3(bucket.clone()).write(file).await? else {
        unreachable!("it lies in S3");
    };
    for some in bytes.chunks(10_000) {
        upload.write(&no_database(), some).await?;
    }
    upload.finish(&no_database()).await
}

async fn get(
    bucket: &S3Bucket,
    file: Uuid,
    range: Option<GetRange>,
) -> object_store::Result<Bytes> {
    let options = GetOptions { range, ..GetOptions::default() };
    let stream = OpenedPlace::S3(bucket.clone()).read(file, options).await?.into_stream();
    let parts: Vec<Bytes> = stream.try_collect().await?;
    Ok(parts.concat().into())
}

#[tokio::test]
async fn what_goes_in_comes_out_signed_ranged_and_gone() {
    for fake in [FakeS3::start().await, FakeS3::secure().await] {
        let bucket = bucket(&fake);
        let file = Uuid::from_u128(0x0b << 120);
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        put(&bucket, file, &bytes).await.unwrap();
        let name = format!("desk/0b/{}", file.simple());
        assert_eq!(fake.names(), std::slice::from_ref(&name));
        assert_eq!(get(&bucket, file, None).await.unwrap(), bytes);
        let part = get(&bucket, file, Some(GetRange::Bounded(10..20))).await.unwrap();
        assert_eq!(part, bytes[10..20]);
        let place = OpenedPlace::S3(bucket.clone());
        place.remove(file, None).await.unwrap();
        place.remove(file, None).await.unwrap();
        assert!(matches!(get(&bucket, file, None).await, Err(Error::NotFound { .. })));
        let requests = fake.requests();
        assert!(requests.iter().all(|it| it.path.starts_with("/files/")), "{requests:?}");
        for request in requests {
            let signed = &request.authorization;
            let scope = format!("AWS4-HMAC-SHA256 Credential={KEY}/");
            assert!(signed.starts_with(&scope), "{signed}");
            assert!(signed.contains("/eu-central-1/s3/aws4_request"), "{signed}");
        }
    }
}

#[tokio::test]
async fn an_empty_file_is_one_too() {
    let fake = FakeS3::start().await;
    let (bucket, file) = (bucket(&fake), Uuid::from_u128(7));
    put(&bucket, file, b"").await.unwrap();
    assert_eq!(get(&bucket, file, None).await.unwrap(), Bytes::new());
}

#[tokio::test]
async fn parts_make_a_file_in_their_order_or_are_ended() {
    let fake = FakeS3::start().await;
    let bucket = bucket(&fake);
    let place = bucket.under(&Path::from("0b/parts"));
    let upload = bucket.store.create_multipart(&place).await.unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in ["a", "b", "c"].into_iter().enumerate() {
        parts.push(bucket.store.put_part(&place, &upload, number, bytes.into()).await.unwrap());
    }
    bucket.store.complete_multipart(&place, &upload, parts).await.unwrap();
    assert_eq!(bucket.store.get(&place).await.unwrap().bytes().await.unwrap(), "abc");

    let file = Uuid::from_u128(9);
    let place = bucket.under(&Path::from_iter(["00", file.simple().to_string().as_str()]));
    let upload = bucket.store.create_multipart(&place).await.unwrap();
    bucket.store.put_part(&place, &upload, 0, "half".into()).await.unwrap();
    assert_eq!(fake.uploads(), 1);
    let opened = OpenedPlace::S3(bucket.clone());
    opened.remove(file, Some(&upload)).await.unwrap();
    assert_eq!(fake.uploads(), 0);
    // Whoever comes second finds nothing to end.
    opened.remove(file, Some(&upload)).await.unwrap();
}

#[tokio::test]
async fn a_busy_store_is_asked_again_and_not_for_ever() {
    let fake = FakeS3::start().await;
    let (bucket, file) = (bucket(&fake), Uuid::from_u128(1));
    fake.fail(2, StatusCode::SERVICE_UNAVAILABLE);
    put(&bucket, file, b"there").await.unwrap();
    assert_eq!(fake.requests().len(), 3);
    fake.fail(2, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&bucket, file, None).await.unwrap(), "there");
    fake.fail(usize::MAX, StatusCode::SERVICE_UNAVAILABLE);
    let before = fake.requests().len();
    assert!(matches!(put(&bucket, file, b"x").await, Err(KeepError::Store(_))));
    assert_eq!(fake.requests().len() - before, RETRIES + 1);
}

#[tokio::test]
async fn a_store_that_falls_silent_is_not_waited_for() {
    let fake = FakeS3::start().await;
    let (bucket, file) = (bucket(&fake), Uuid::from_u128(1));
    put(&bucket, file, &vec![7; 200_000]).await.unwrap();
    // Each of the tries is given up; the bounds of the test are short.
    fake.silent();
    let said = put(&bucket, file, b"x").await.unwrap_err();
    let said = messaging::cause(&said);
    assert!(said.contains("it did not begin to answer in time"), "{said}");
    fake.half();
    let said = messaging::cause(&get(&bucket, file, None).await.unwrap_err());
    assert!(said.contains("its answer fell silent"), "{said}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_taken_up_where_it_did() {
    let fake = FakeS3::start().await;
    let (bucket, file) = (bucket(&fake), Uuid::from_u128(1));
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    put(&bucket, file, &bytes).await.unwrap();
    fake.half_once();
    assert_eq!(get(&bucket, file, None).await.unwrap(), bytes);
    let asked: Vec<String> = fake.requests().into_iter().map(|it| it.range).collect();
    assert_eq!(asked, ["", "", "bytes=100000-199999"]);
}

#[tokio::test]
async fn the_start_says_what_is_wrong_and_repeats_no_key() {
    let fake = FakeS3::start().await;
    S3Bucket::open(&settings(&fake), MIB).await.unwrap();
    assert_eq!((fake.names(), fake.uploads()), (Vec::new(), 0));
    for (status, said) in [
        (StatusCode::NOT_FOUND, "make the bucket, or name another"),
        (StatusCode::FORBIDDEN, "let the key of `files.s3_access_key` put, get and delete"),
        (StatusCode::BAD_REQUEST, "see that a store that speaks S3 answers there"),
    ] {
        fake.fail(1, status);
        let error = S3Bucket::open(&settings(&fake), MIB).await.unwrap_err();
        let whole = format!("{error:#} {error:?}");
        let place = format!("`files.s3_bucket` names files at {}", fake.url);
        assert!(whole.contains(&place) && whole.contains(said), "{whole}");
        assert!(whole.contains("TheCode"), "{whole}");
        assert!(!whole.contains(KEY) && !whole.contains(SECRET), "{whole}");
    }
    let nobody = S3Settings { url: "http://127.0.0.1:1".to_owned(), ..settings(&fake) };
    let error = S3Bucket::open(&nobody, MIB).await.unwrap_err();
    assert!(format!("{error:#}").contains("cannot be written: see that a store"), "{error:#}");
    let told = format!("{:?} {:?}", settings(&fake), bucket(&fake));
    assert!(!told.contains(SECRET) && !told.contains(KEY), "{told}");
}

#[tokio::test(start_paused = true)]
async fn uploads_wait_for_their_turn_and_none_keeps_it() {
    let fake = FakeS3::start().await;
    let bucket = bucket(&fake);
    let pool = no_database();
    let mut slow = Vec::new();
    for number in 0..PARTS_AT_ONCE {
        let mut upload = bucket.upload(Uuid::from_u128(number as u128), &Path::from("slow"));
        upload.write(&pool, &vec![7; upload::WITHOUT_TURN + 1]).await.unwrap();
        slow.push(upload);
    }
    // What is small needs none.
    let mut small = bucket.upload(Uuid::from_u128(100), &Path::from("small"));
    small.write(&pool, &vec![7; upload::WITHOUT_TURN]).await.unwrap();
    assert!(matches!(small.write(&pool, b"more").await, Err(KeepError::Busy)));
    let mut last = slow.pop().unwrap();
    tokio::time::advance(Duration::from_mins(6)).await;
    assert!(matches!(last.write(&pool, b"late").await, Err(KeepError::BrokeOff)));
    drop(last);
    small.write(&pool, b"more").await.unwrap();
}

#[test]
fn no_file_has_more_parts_than_it_may_have() {
    for (file, part) in [
        (1, LEAST_PART),
        (100 * MIB, LEAST_PART),
        (50_000 * MIB, LEAST_PART),
        (1 << 40, 109_951_163),
    ] {
        assert_eq!(part_bytes(file), part);
        assert!(file.div_ceil(part) <= MOST_PARTS);
    }
}
