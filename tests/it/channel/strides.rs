//! Arrays of any strides arrive in C order, as `ndarray` itself iterates over them.

use crate::channel::support::TestDir;
use crate::common::stress;
use ndarray::{Array, Array2, ArrayView, ArrayViewD, Axis, Dimension, IxDyn, ShapeBuilder, Slice, s};
use ndsharray::{Reader, Writer};
use proptest::prelude::*;
use std::cell::RefCell;

/// Writes an array and reads it back.
fn assert_arrives<D: Dimension>(writer: &mut Writer<i32>, reader: &mut Reader, array: &ArrayView<'_, i32, D>) {
    let seq = writer.write_array(array).unwrap();
    let sample = reader.read().unwrap().expect("news");
    assert_eq!(sample.seq(), seq);
    assert_eq!(sample.shape(), array.shape());
    let view = sample.view::<i32>().unwrap();
    assert!(view.iter().eq(array.iter()), "{:?} {:?}", array.shape(), array.strides());
    assert_eq!(view.to_ndarray(), array.view().into_dyn());
}

fn matrix() -> Array2<i32> {
    Array::from_iter(0..12 * 7).into_shape_with_order((12, 7)).unwrap()
}

#[test]
fn layouts() {
    let dir = TestDir::new();
    let mut writer = dir.writer();
    let mut reader = dir.reader();
    let a = matrix();
    let fortran = Array2::from_shape_fn((5, 3).f(), |(i, j)| (i * 10 + j) as i32);
    let mut check = |array: ArrayViewD<'_, i32>| assert_arrives(&mut writer, &mut reader, &array);
    check(a.view().into_dyn());
    check(a.t().into_dyn());
    check(a.slice(s![..;-1, ..;-1]).into_dyn());
    check(a.slice(s![1..;3, ..;2]).into_dyn());
    check(a.slice(s![.., 3]).into_dyn());
    check(a.slice(s![4..4, ..]).into_dyn());
    check(a.slice(s![2, 5]).into_dyn());
    check(fortran.view().into_dyn());
    check(a.broadcast((4, 12, 7)).unwrap().into_dyn());
    check(a.slice(s![.., 0..1]).broadcast((12, 9)).unwrap().into_dyn());
    check(a.slice(s![0, 0]).broadcast((3, 3)).unwrap().into_dyn());
}

#[test]
fn static_dimensions() {
    let dir = TestDir::new();
    let mut writer = dir.writer();
    let mut reader = dir.reader();
    let a = matrix();
    assert_arrives(&mut writer, &mut reader, &a.view());
    assert_arrives(&mut writer, &mut reader, &a.t());
    assert_arrives(&mut writer, &mut reader, &a.row(3));
    assert_arrives(&mut writer, &mut reader, &a.column(3));
    assert_arrives(&mut writer, &mut reader, &ndarray::arr0(5).view());
}

#[test]
fn owned_arrays_and_slices_of_them_need_no_view() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<i32>();
    let mut reader = dir.reader();
    let mut owned = matrix();
    writer.write_array(&owned).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().view::<i32>().unwrap().to_ndarray(), owned.view().into_dyn());
    let view = owned.view_mut();
    writer.write_array(&view).unwrap();
    writer.write_array(&owned.clone().into_shared()).unwrap();
    let mut writer = ndsharray::AnyWriter::from(writer);
    for array in [owned.clone(), owned.reversed_axes()] {
        writer.write_array(&array).unwrap();
        assert_eq!(reader.latest().unwrap().unwrap().view::<i32>().unwrap().to_ndarray(), array.view().into_dyn());
    }
    writer.write_array(&ndarray::arr1(&[0.5_f64])).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().view::<f64>().unwrap().as_slice(), [0.5]);
}

#[test]
fn bools_and_wide_elements_with_strides() {
    let dir = TestDir::new();
    let a = matrix();
    let bools = a.mapv(|n| n % 3 == 0);
    let mut writer = dir.writer::<bool>();
    let mut reader = dir.reader();
    for _ in 0..8 {
        writer.write_array(&bools.t()).unwrap();
        assert_eq!(reader.latest().unwrap().unwrap().view::<bool>().unwrap().to_ndarray(), bools.t().into_dyn());
    }
    let wide = a.mapv(|n| ndsharray::ComplexLongDouble::from(ndsharray::Complex::new(f64::from(n), 0.5)));
    let mut writer = writer.into_dtype::<ndsharray::ComplexLongDouble>();
    writer.write_array(&wide.t()).unwrap();
    let sample = reader.latest().unwrap().unwrap();
    assert!(sample.view::<ndsharray::ComplexLongDouble>().unwrap().iter().eq(wide.t().iter()));
}

#[derive(Clone, Debug)]
struct Cut {
    axes: Vec<(usize, usize, usize, isize)>,
    order: Vec<usize>,
}

/// For each axis a length and a slice; and an order for the axes.
fn cuts() -> impl Strategy<Value = Cut> {
    let axis = (1_usize..6).prop_flat_map(|len| {
        let step = prop_oneof![1_isize..4, -3_isize..0];
        (Just(len), 0..=len, step).prop_flat_map(|(len, start, step)| (Just(len), Just(start), start..=len, Just(step)))
    });
    prop::collection::vec(axis, 0..6).prop_flat_map(|axes| {
        let order: Vec<usize> = (0..axes.len()).collect();
        (Just(axes), Just(order).prop_shuffle()).prop_map(|(axes, order)| Cut { axes, order })
    })
}

#[test]
fn any_slice_of_any_shape_in_any_order() {
    let dir = TestDir::new();
    let ends = RefCell::new((dir.writer::<i32>(), dir.reader()));
    let mut runner = proptest::test_runner::TestRunner::new(stress::property(300));
    runner
        .run(&cuts(), |cut| {
            let shape: Vec<usize> = cut.axes.iter().map(|axis| axis.0).collect();
            let len = shape.iter().product::<usize>() as i32;
            let array = Array::from_iter(0..len).into_shape_with_order(IxDyn(&shape)).unwrap();
            let mut view = array.view();
            for (i, &(_, start, end, step)) in cut.axes.iter().enumerate() {
                view.slice_axis_inplace(Axis(i), Slice::new(start as isize, Some(end as isize), step));
            }
            let view = view.permuted_axes(IxDyn(&cut.order));
            let (writer, reader) = &mut *ends.borrow_mut();
            let seq = writer.write_array(&view).unwrap();
            let sample = reader.read().unwrap().expect("news");
            prop_assert_eq!(sample.seq(), seq);
            prop_assert_eq!(sample.shape(), view.shape());
            prop_assert!(sample.view::<i32>().unwrap().iter().eq(view.iter()));
            Ok(())
        })
        .unwrap();
}
