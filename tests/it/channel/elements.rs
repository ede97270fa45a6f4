//! Elements with a parameter: times in a unit, texts and voids of a width.

use crate::channel::support::{TestDir, overwrite, peek};
use ndsharray::{
    AnyArrayView, ArrayView, DType, DateTime64, ElementType, Error, F8E4M3FN, FixedBytes, FixedText, ShElement,
    TimeArrayView, TimeDelta64, TimeUnit, Void,
};

#[test]
fn the_unit_belongs_to_the_array() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<DateTime64>();
    let mut reader = dir.reader();
    let unit = TimeUnit::SECOND.times(25).unwrap();
    assert_eq!(writer.unit(), TimeUnit::NANOSECOND);
    writer.set_unit(TimeUnit::DAY).unwrap();
    writer.set_unit(unit).unwrap();
    let times = [DateTime64(1), DateTime64::NAT];
    writer.write(&[2], &times).unwrap();
    assert!(matches!(writer.set_unit(TimeUnit::DAY), Err(Error::Unsupported { .. })));
    assert!(writer.set_unit(unit).is_ok(), "the same one");

    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.dtype(), DType::DateTime64);
    assert_eq!(sample.element_type(), ElementType::datetime64(unit));
    assert_eq!(sample.view::<DateTime64>().unwrap().as_slice(), times);
    match sample.any_view().unwrap() {
        AnyArrayView::DateTime64(view) => assert_eq!((view.unit(), view.as_slice()), (unit, &times[..])),
        other => panic!("{other:?}"),
    }
    assert!(matches!(sample.view::<TimeDelta64>(), Err(Error::DTypeMismatch { .. })));
    assert!(matches!(sample.view::<i64>(), Err(Error::DTypeMismatch { .. })));
    let owned = sample.into_owned();
    assert_eq!(owned.element_type(), ElementType::datetime64(unit));

    let mut writer = writer.into_dtype::<TimeDelta64>();
    assert_eq!(writer.unit(), TimeUnit::NANOSECOND);
    writer.set_unit(TimeUnit::GENERIC).unwrap();
    writer.write_with(&[], &[TimeDelta64(1)], b"frame").unwrap();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.element_type(), ElementType::timedelta64(TimeUnit::GENERIC));
    drop(sample);
    writer.loan(&[3]).unwrap().publish().unwrap();
    let mut copy = Vec::new();
    let info = reader.read_into::<TimeDelta64>(&mut copy).unwrap().unwrap();
    assert_eq!(info.element_type, ElementType::timedelta64(TimeUnit::GENERIC));
    assert_eq!(copy.len(), 3);
}

#[test]
fn what_is_read_is_written_in_the_same_unit() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let mut reader = dir.reader();
    let times = [TimeDelta64(7)];
    let view = TimeArrayView::new(ArrayView::new(&times, &[1]).unwrap(), TimeUnit::WEEK);
    writer.write_any(&view.into()).unwrap();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.any_view().unwrap(), AnyArrayView::TimeDelta64(view));
    let nanos = AnyArrayView::from(ArrayView::new(&times, &[1]).unwrap());
    assert_ne!(sample.any_view().unwrap(), nanos, "another unit is another value");
    assert_eq!(nanos.element_type(), TimeDelta64::ELEMENT);
}

#[test]
fn a_width_is_part_of_the_type() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<FixedBytes<5>>();
    let mut reader = dir.reader();
    let names = [b"left".as_slice(), b"right", b""].map(|name| FixedBytes::new(name).unwrap());
    writer.write(&[3], &names).unwrap();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(
        (sample.element_type().to_string().as_str(), sample.as_bytes()),
        ("S5", b"left\0right\0\0\0\0\0".as_slice())
    );
    assert_eq!(sample.view::<FixedBytes<5>>().unwrap().as_slice(), names);
    match sample.view::<FixedBytes<6>>() {
        Err(Error::ElementMismatch { expected, found, .. }) => {
            assert_eq!((expected.size(), found.size()), (6, 5));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(sample.view::<Void<5>>(), Err(Error::DTypeMismatch { .. })));
    let AnyArrayView::Bytes(view) = sample.any_view().unwrap() else { panic!("{sample:?}") };
    assert_eq!(view.texts().collect::<Result<Vec<_>, _>>().unwrap(), ["left", "right", ""]);
    drop(sample);
    assert!(matches!(
        reader.latest().unwrap().unwrap().into_owned().view::<FixedBytes<1>>(),
        Err(Error::ElementMismatch { .. })
    ));

    // The width may change with each value, as the dtype may.
    let mut writer = writer.into_dtype::<FixedText<2>>();
    writer.write(&[], &[FixedText::new("né").unwrap()]).unwrap();
    let sample = reader.read().unwrap().unwrap();
    assert_eq!(sample.view::<FixedText<2>>().unwrap()[[]].to_text().unwrap(), "né");
    let mut copy = Vec::<FixedText<3>>::new();
    let mut copies = dir.options().open_read_only("channel").unwrap();
    assert!(matches!(copies.read_into(&mut copy), Err(Error::ElementMismatch { .. })));
}

#[test]
fn bytes_take_any_element_type() {
    let dir = TestDir::new();
    let mut writer = dir.any_writer();
    let element = ElementType::void(3).unwrap();
    assert!(matches!(
        writer.write_bytes(element, &[2], &[0; 5]),
        Err(Error::ShapeMismatch { expected: 6, found: 5, .. })
    ));
    writer.write_bytes(element, &[2], &[1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(dir.reader().latest().unwrap().unwrap().view::<Void<3>>().unwrap()[[1]].to_array(), [4, 5, 6]);
    let mut loan = writer.loan(ElementType::text(2).unwrap(), &[4]).unwrap();
    assert_eq!((loan.as_mut_bytes().len(), loan.element_type().size()), (32, 8));
    loan.as_mut_bytes().fill(0);
    loan.publish().unwrap();
    assert_eq!(dir.reader().latest().unwrap().unwrap().view::<FixedText<2>>().unwrap().len(), 4);
    let loan = writer.into_loan(DType::F8E4M3FN, &[2]).unwrap();
    assert_eq!(loan.element_type(), F8E4M3FN::ELEMENT);
}

#[test]
fn the_channel_of_pythons_package_refuses_them() {
    use ndsharray::compat;
    let dir = TestDir::new();
    match compat::Options::new().dir(dir.path()).create::<DateTime64>("times") {
        Err(Error::Unsupported { what, .. }) => assert!(cfg!(windows) || what.contains("dtype"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn shared_arrays_of_them() {
    let dir = TestDir::new();
    let options = dir.array_options();
    let element = ElementType::datetime64(TimeUnit::MILLISECOND);
    let any = options.create_any("times", element, &[4], |_| ()).unwrap();
    let times = options.open::<DateTime64>("times").unwrap();
    assert_eq!((any.element_type(), times.element_type()), (element, element));
    times.store(2, DateTime64::NAT);
    assert_eq!(times.swap(2, DateTime64(5)), DateTime64::NAT);
    times.write().unwrap()[3] = DateTime64(9);
    let guard = any.read().unwrap();
    let AnyArrayView::DateTime64(view) = guard.view() else { panic!("{guard:?}") };
    assert_eq!((view.unit(), view.as_slice()), (TimeUnit::MILLISECOND, &[0, 0, 5, 9].map(DateTime64)[..]));
    drop(guard);
    // The default is another unit.
    assert!(matches!(options.open_or_create::<DateTime64>("times", &[4]), Err(Error::ElementMismatch { .. })));

    let texts = options.from_slice("texts", &[2], &[FixedText::<3>::new("ab").unwrap(), FixedText::default()]).unwrap();
    assert_eq!(texts.len(), 2);
    assert!(matches!(options.open::<FixedText<2>>("texts"), Err(Error::ElementMismatch { .. })));
    let any = options.open_any("texts").unwrap();
    assert_eq!((any.len(), any.byte_len(), any.element_type()), (2, 24, FixedText::<3>::ELEMENT));
    any.typed::<FixedText<3>>().unwrap().write().unwrap()[1] = FixedText::new("xyz").unwrap();
    assert!(matches!(any.typed::<FixedText<4>>(), Err(Error::ElementMismatch { .. })));
    let guard = any.read().unwrap();
    let AnyArrayView::Text(view) = guard.view() else { panic!("{guard:?}") };
    assert_eq!(view.texts().collect::<Result<Vec<_>, _>>().unwrap(), ["ab", "xyz"]);
}

#[test]
fn a_header_with_another_parameter_is_corrupt() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<DateTime64>();
    writer.write(&[], &[DateTime64(1)]).unwrap();
    let mut reader = dir.reader();
    let board = dir.path().join("channel.ndsh");
    let latest = u64::from_ne_bytes(peek(&board, 64, 8).try_into().unwrap());
    let parameter_at = 128 + latest % 64 * 576 + 44;
    // No unit, the business day that NumPy had once, a unit without a multiplier.
    for parameter in [0_u32, 3 | 1 << 8, 7] {
        overwrite(&board, parameter_at, &parameter.to_ne_bytes());
        assert!(matches!(reader.latest(), Err(Error::Corrupt(_))), "{parameter:#x}");
    }
    let parameter = 7_u32 | 5 << 8;
    overwrite(&board, parameter_at, &parameter.to_ne_bytes());
    assert_eq!(reader.latest().unwrap().unwrap().element_type().to_string(), "datetime64[5s]");
}
