use super::*;
use ndsharray::{Field, TimeUnit};
use proptest::prelude::*;

const MAX: u64 = 1 << 40;

fn element_type() -> impl Strategy<Value = (ElementType, Option<RecordType>)> {
    let records = prop::collection::vec((prop::sample::select(DType::ALL), 1_usize..4), 1..5).prop_map(|kinds| {
        let mut end = 0;
        let fields: Vec<Field> = kinds
            .iter()
            .enumerate()
            .map(|(index, (dtype, axis))| {
                let field = Field::new(format!("f{index}"), end, *dtype).with_shape(&[*axis]);
                end += dtype.size() * axis;
                field
            })
            .collect();
        let record = RecordType::new(end, fields).unwrap();
        (ElementType::new(DType::Record, u32::try_from(end).unwrap()).unwrap(), Some(record))
    });
    prop_oneof![
        prop::sample::select(DType::ALL).prop_map(|dtype| (dtype.into(), None)),
        (1_usize..40).prop_map(|width| (ElementType::text(width).unwrap(), None)),
        (1_u32..40).prop_map(|times| { (ElementType::datetime64(TimeUnit::SECOND.times(times).unwrap()), None) }),
        records,
    ]
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let value = (element_type(), prop::collection::vec(0_usize..5, 0..8), prop::collection::vec(any::<u8>(), 0..50))
        .prop_map(|((element, record), shape, attributes)| Described { element, record, shape, attributes });
    let place = (any::<u64>(), any::<u64>(), any::<bool>()).prop_map(|(relay, count, wants_answer)| Place {
        relay,
        count,
        wants_answer,
    });
    (place, 1..u64::MAX, any::<u128>(), any::<u64>(), any::<i64>(), prop::option::weighted(0.9, value)).prop_map(
        |(place, number, incarnation, epoch, ns, value)| Attachment {
            place,
            number,
            origin: Origin { incarnation: Uuid::from_u128(incarnation), epoch, time: time(ns) },
            value,
        },
    )
}

proptest! {
    #[test]
    fn decodes_to_what_was_encoded(sent in attachment()) {
        let bytes = sent.encode();
        prop_assert!(bytes.len() <= MAX_LEN);
        prop_assert_eq!(Attachment::decode(&bytes, sent.byte_len().unwrap(), MAX), Ok(sent));
    }

    #[test]
    fn a_changed_byte_is_refused_or_another_value(sent in attachment(), at: prop::sample::Index, with in 1_u8..) {
        let mut bytes = sent.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        if let Ok(read) = Attachment::decode(&bytes, sent.byte_len().unwrap(), MAX) {
            prop_assert_ne!(&read, &sent);
            prop_assert_eq!(read.byte_len(), sent.byte_len());
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_the_one_spelling_of_a_value(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        if let [version, order, ..] = bytes.as_mut_slice() {
            (*version, *order) = (VERSION, ORDER);
        }
        for payload in [0, 1, 64] {
            if let Ok(read) = Attachment::decode(&bytes, payload, MAX) {
                prop_assert_eq!(read.encode(), bytes.as_slice());
            }
        }
    }

    #[test]
    fn a_piece_is_refused(sent in attachment(), len: prop::sample::Index) {
        let mut bytes = sent.encode();
        bytes.truncate(len.index(bytes.len()));
        let is_short = matches!(
            Attachment::decode(&bytes, sent.byte_len().unwrap(), MAX),
            Err(Refusal::Length { .. })
        );
        prop_assert!(is_short);
    }
}

fn sent() -> Attachment {
    Attachment {
        place: Place { relay: 7, count: 1, wants_answer: true },
        number: 40,
        origin: Origin { incarnation: Uuid::from_u128(3), epoch: 2, time: time(1_700_000_000_123_456_789) },
        value: Some(Described {
            element: DType::F32.into(),
            record: None,
            shape: vec![2, 3],
            attributes: b"{\"frame\":7}".to_vec(),
        }),
    }
}

/// The sample in `docs/LINK.md` is what is written.
#[test]
fn the_documented_sample() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/LINK.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("```hex attachment\n").nth(1).unwrap().split("```").next().unwrap();
    let bytes: Vec<u8> = block.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    if cfg!(target_endian = "little") {
        assert_eq!(sent().encode(), bytes);
    }
}

#[test]
fn each_reason_has_its_bytes() {
    let good = sent().encode();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        Attachment::decode(&changed, 24, MAX)
    };
    let cases = [
        (with(0, &[2]), "version"),
        (with(1, &[3]), "byte-order"),
        (with(2, &[63]), "dtype"),
        (with(4, &[1]), "dtype"),
        (with(3, &[65]), "shape"),
        (with(8, &[5]), "reserved"),
        (with(8, &[3]), "reserved"),
        (with(20, &[1]), "reserved"),
        (with(12, &[1]), "length"),
        (with(13, &[0xff, 0xff]), "description"),
        (with(16, &[0, 0x20]), "attributes"),
        (with(24, &[25]), "product"),
        (with(32, &[0]), "number"),
        (with(88, &[0xff; 8]), "shape"),
        (with(88, &[3]), "product"),
        (Attachment::decode(&good, 23, MAX), "payload"),
        (Attachment::decode(&good, 24, 23), "too-large"),
        (Attachment::decode(&[], 0, MAX), "length"),
    ];
    for (index, (answer, reason)) in cases.into_iter().enumerate() {
        assert_eq!(answer.unwrap_err().reason(), reason, "case {index}");
    }
}
