//! Times, texts, floats of 8 bits and records: in files, in recordings, and as text.

use crate::support::{TestDir, python_program as python, wait_until};
use ndsharray::inspect::Kind;
use ndsharray::{AnyWriter, ArrayOptions, DType, ElementType, Field, RecordType, RecordView, TimeUnit};
use serde_json::json;

/// Arrays of the shapes of NumPy's own tests go through a channel and come back.
const MAKE: &str = "
import itertools
def fill(array, number):
    if array.dtype.names is None:
        kind = array.dtype.kind
        if kind in 'SU':
            array[...] = 'abcde'[:number % 6]
        elif kind == 'V':
            array[...] = np.frombuffer(bytes([number % 100]) * array.dtype.itemsize, array.dtype)[0]
        elif kind in 'Mm':
            array[...] = np.array(number, 'i8').astype(array.dtype)
        else:
            array[...] = number % 2 if kind == 'b' else number % 100
        return
    for place, name in enumerate(array.dtype.names):
        fill(array[name], number + place)
point = [('x', 'f4'), ('y', 'f4'), ('z', 'f4'), ('intensity', 'u2'), ('ring', 'u2')]
nested = [('info', [('value', 'c16'), ('y2', 'f8'), ('Info2', [('name', 'S2'), ('z3', 'U2', (2,))])]), ('z2', '?')]
dtypes = [
    'M8[ns]', 'M8[25D]', 'm8[us]', 'M8', 'S5', 'U3', 'V7', point, nested,
    np.dtype([('a', 'u1'), ('b', 'f8'), ('c', 'i2')], align=True),
    np.dtype(nested, align=True),
    [('m', 'i4', (2, 3)), ('v', 'f2', 4), ('one', 'u1', (1,)), ('none', 'f8', (0,))],
    [('p', [('at', 'f8', (3,)), ('ok', '?')], (2,)), ('when', 'M8[ms]'), ('id', 'U5')],
    [(('the title', 'x'), 'f4'), (('another', 'y'), 'f8')],
    [('ä', 'i4'), (\"it's\", 'u1'), ('back\\\\slash', 'u1'), ('a\\nb', 'u1')],
    [('名前', 'f4'), ('😀', 'i8')],
    np.dtype({'names': ['a', 'b'], 'formats': ['u1', 'f4'], 'offsets': [2, 7], 'itemsize': 16}),
    [(f'field{i}', 'u1') for i in range(300)],
]
cases = []
for dtype in dtypes:
    for shape in [(), (3,), (0,), (2, 3)]:
        array = np.zeros(shape, dtype)
        for number, place in enumerate(itertools.product(*map(range, shape))):
            part = np.zeros(1, dtype)
            fill(part, number + 1)
            array[place] = part[0]
        cases += [array, array.astype(array.dtype.newbyteorder('>')), np.asfortranarray(array)]
count = 0
for array in cases:
    versions = [(1, 0), (2, 0), (3, 0)] if array.shape == (3,) else [None]
    for version in versions:
        with open(f'in{count}.npy', 'wb') as file:
            try:
                np.lib.format.write_array(file, array, version=version)
            except UnicodeEncodeError:
                continue
        count += 1
print(count)
";

const COMPARE: &str = "
def layout(dtype):
    if dtype.subdtype is not None:
        return (layout(dtype.subdtype[0]), dtype.subdtype[1])
    if dtype.names is None:
        return dtype.newbyteorder('=')
    fields = [(name, dtype.fields[name][1], layout(dtype.fields[name][0])) for name in dtype.names]
    return (dtype.itemsize, fields)
def equal(a, b):
    if a.dtype.names is None:
        return a.tobytes() == b.tobytes() if a.dtype.kind == 'V' else np.array_equal(a, b)
    return all(equal(a[name], b[name]) for name in a.dtype.names)
load = dict(max_header_size=1 << 20)
for i in range(int(sys.argv[1])):
    array = np.load(f'in{i}.npy', **load)
    with np.load(f'out{i}.npz', **load) as archive:
        for found in [np.load(f'out{i}.npy', **load), archive['arr_0']]:
            assert layout(found.dtype) == layout(array.dtype), (i, found.dtype, array.dtype)
            assert found.shape == array.shape and found.flags.c_contiguous
            assert equal(np.ascontiguousarray(array).reshape(array.shape), found), (i, array, found)
print('same')
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn numpy_reads_the_times_texts_and_records_that_it_wrote() {
    let dir = TestDir::new();
    let count: usize = python(&dir, MAKE, &[]).trim().parse().unwrap();
    assert!(count > 300, "{count}");
    for index in 0..count {
        dir.ok(&["put", "it", &dir.text_path(&format!("in{index}.npy"))]);
        for format in ["npy", "npz"] {
            dir.ok(&["get", "it", &dir.text_path(&format!("out{index}.{format}"))]);
        }
    }
    assert_eq!(python(&dir, COMPARE, &[&count.to_string()]), "same\n");
}

const REFUSED: &str = "
def header(descr):
    text = str({'descr': descr, 'fortran_order': False, 'shape': (1,)}).encode()
    return b'\\x93NUMPY\\x02\\x00' + len(text).to_bytes(4, 'little') + text
np.save('objects.npy', np.zeros(2, [('x', 'f4'), ('o', 'O')]), allow_pickle=True)
np.save('none.npy', np.zeros(2, []))
deep = '<f4'
for _ in range(17):
    deep = [('x', deep)]
for name, descr in dict(
    twice=[('x', '<f4'), ('x', '<f4')],
    deep=deep,
    many=[(f'f{i}', '|u1') for i in range(10_000)],
    wide=[('x', '<f4', (1 << 20, 1 << 20))],
    empty=[('x', '<f4', (0,))],
    surrogate=[('\\udcff', '|u1')],
    endless='[' * 5000,
).items():
    open(f'{name}.npy', 'wb').write(header(descr))
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn descriptions_that_lie_are_refused() {
    let dir = TestDir::new();
    python(&dir, REFUSED, &[]);
    for name in ["objects", "none", "twice", "deep", "many", "wide", "empty", "surrogate", "endless"] {
        let ran = dir.run(&["put", "it", &dir.text_path(&format!("{name}.npy"))]);
        assert!(ran.code == 4 && ran.stderr.contains("not a .npy file"), "{name}: {ran:?}");
    }
    assert_eq!(dir.run(&["info", "it"]).code, 3, "nothing has been made");
}

const MADE: &str = "
for name in ['float8_e4m3fn', 'float8_e5m2', 'float8_e8m0fnu']:
    np.save(f'{name}.npy', np.arange(256, dtype='u1').view(getattr(ml_dtypes, name)))
";

const SMALL: &str = "
for name in ['float8_e4m3fn', 'float8_e5m2', 'float8_e8m0fnu']:
    found = np.load(f'out-{name}.npy')
    assert found.dtype == 'V1' and found.view(getattr(ml_dtypes, name)).tobytes() == bytes(range(256))
print('same')
";

/// NumPy writes three dtypes in two ways, one of which it cannot read; its bytes come back.
#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn floats_of_eight_bits() {
    let dir = TestDir::new();
    python(&dir, MADE, &[]);
    for (name, found) in [("float8_e4m3fn", "V1"), ("float8_e5m2", "float8_e5m2"), ("float8_e8m0fnu", "V1")] {
        dir.ok(&["put", "it", &dir.text_path(&format!("{name}.npy"))]);
        assert_eq!(dir.json(&["echo", "it", "--json"])["dtype"], found);
        let mut writer = dir.options().create_any("native").unwrap();
        writer.write_bytes(name.parse::<ElementType>().unwrap(), &[256], &(0..=255).collect::<Vec<u8>>()).unwrap();
        dir.ok(&["get", "native", &dir.text_path(&format!("out-{name}.npy"))]);
    }
    assert_eq!(python(&dir, SMALL, &[]), "same\n");
}

/// A record with a time, a text and bytes.
fn tick() -> RecordType {
    let fields = [
        Field::new("when", 0, ElementType::datetime64(TimeUnit::MILLISECOND)),
        Field::new("symbol", 8, ElementType::text(3).unwrap()),
        Field::new("side", 20, ElementType::bytes(2).unwrap()),
        Field::new("price", 24, DType::F64).with_shape(&[2]),
    ];
    RecordType::new(40, fields).unwrap()
}

fn ticks(count: u8) -> Vec<u8> {
    let one = |n: u8| {
        let symbol = [u32::from(b'A' + n), u32::from('"'), 0].map(u32::to_ne_bytes).concat();
        let prices = [f64::from(n), 0.5].map(f64::to_ne_bytes).concat();
        [i64::from(n).to_ne_bytes().as_slice(), &symbol, &[b's', 0, 9, 9], &prices].concat()
    };
    (0..count).flat_map(one).collect()
}

fn write(writer: &mut AnyWriter, count: u8) {
    let (record, shape, bytes) = (tick(), [usize::from(count)], ticks(count));
    writer.write_any(&RecordView::new(&record, &shape, &bytes).unwrap().into()).unwrap();
}

#[test]
fn elements_are_printed_as_they_are_read() {
    let dir = TestDir::new();
    let mut writer = dir.options().create_any("it").unwrap();
    let mut print = |element: ElementType, bytes: &[u8]| {
        writer.write_bytes(element, &[bytes.len() / element.size()], bytes).unwrap();
        let printed = dir.ok(&["echo", "it"]);
        (printed, dir.ok(&["echo", "it", "--csv"]), dir.json(&["echo", "it", "--json"]))
    };
    let counts = |counts: [i64; 2]| counts.map(i64::to_ne_bytes).concat();
    let (text, csv, found) = print(ElementType::datetime64(TimeUnit::SECOND), &counts([1_000_000_007, i64::MIN]));
    assert_eq!(text, "['2001-09-09T01:46:47'                 'NaT']\n");
    assert_eq!(csv, "2001-09-09T01:46:47,NaT\n");
    assert_eq!(
        (&found["dtype"], &found["elements"]),
        (&json!("datetime64[s]"), &json!(["2001-09-09T01:46:47", "NaT"]))
    );
    let (text, csv, found) = print(ElementType::timedelta64(TimeUnit::SECOND), &counts([20, i64::MIN]));
    assert_eq!((text.as_str(), csv.as_str()), ("[   20 'NaT']\n", "20,NaT\n"));
    assert_eq!(found["elements"], json!([20, "NaT"]));
    let (text, csv, found) = print(ElementType::bytes(4).unwrap(), b"ab\0\0c'\xff\0");
    assert_eq!((text.as_str(), csv.as_str()), ("[b'ab' b\"c'\\xff\"]\n", "ab,c'ÿ\n"));
    assert_eq!(found["elements"], json!(["ab", "c'ÿ"]));
    let (text, _, found) = print(ElementType::void(2).unwrap(), &[1, b'a', 0xff, 0]);
    assert_eq!((text.as_str(), &found["elements"]), ("[b'\\x01a' b'\\xff\\x00']\n", &json!(["0161", "ff00"])));
    // What another program writes moves no cursor.
    let bytes = ['\u{1b}', ',', 'ä', '\n', '\u{ffff}', '\0'].map(|c| u32::from(c).to_ne_bytes()).concat();
    let (text, csv, found) = print(ElementType::text(3).unwrap(), &bytes);
    assert_eq!((text.as_str(), csv.as_str()), ("['\\x1b,ä' '\\n\\uffff']\n", "\"\\x1b,ä\",\\n\\uffff\n"));
    assert_eq!(found["elements"], json!(["\u{1b},ä", "\n\u{ffff}"]));
    let lone = [0x7fff_ffff_u32, 0, 0].map(u32::to_ne_bytes).concat();
    assert_eq!(print(ElementType::text(3).unwrap(), &lone).0, "['\u{fffd}']\n");
    // And as fields.
    write(&mut writer, 1);
    let text = dir.ok(&["echo", "it"]);
    assert_eq!(text, "[('1970-01-01T00:00:00.000', 'A\"', b's', [0.  0.5])]\n");
    assert_eq!(dir.ok(&["echo", "it", "--csv"]), "1970-01-01T00:00:00.000,\"A\"\"\",s,0.0,0.5\n");
    let found = dir.json(&["echo", "it", "--json"]);
    let wanted = json!({"when": "1970-01-01T00:00:00.000", "symbol": "A\"", "side": "s", "price": [0.0, 0.5]});
    assert_eq!(found["elements"][0], wanted);
    let info = dir.ok(&["info", "it"]);
    assert!(info.contains("fields {when: datetime64[ms], symbol: U3, side: S2, price: 2 float64}"), "{info}");
    assert!(dir.ok(&["ls"]).contains("record"));
}

#[test]
fn arrays_of_all_kinds_are_printed_and_saved() {
    let dir = TestDir::new();
    let arrays = ArrayOptions::from(&dir.options());
    let fill = |bytes: &mut [u8]| bytes.copy_from_slice(&ticks(2));
    let _records = arrays.create_records("records", &tick(), &[2], fill).unwrap();
    let _times = arrays.create_any("times", ElementType::datetime64(TimeUnit::DAY), &[2], |_| ()).unwrap();
    let _texts = arrays.create_any("texts", ElementType::bytes(3).unwrap(), &[1], |bytes| bytes.fill(b'x')).unwrap();
    assert_eq!(dir.ok(&["echo", "times"]), "['1970-01-01' '1970-01-01']\n");
    assert_eq!(dir.ok(&["echo", "texts"]), "[b'xxx']\n");
    assert!(dir.ok(&["echo", "records", "--csv"]).ends_with("1970-01-01T00:00:00.001,\"B\"\"\",s,1.0,0.5\n"));
    assert!(dir.run(&["stat", "records"]).stderr.contains("records"));
    for name in ["records", "times", "texts"] {
        let file = dir.text_path("saved.npy");
        dir.ok(&["get", name, &file]);
        dir.ok(&["put", "again", &file]);
        assert_eq!(dir.ok(&["echo", "again", "--csv"]), dir.ok(&["echo", name, "--csv"]));
    }
}

#[test]
fn recordings_of_records_are_played() {
    for to in ["recording", "recording.npz"] {
        let dir = TestDir::new();
        let to = dir.text_path(to);
        let mut writer = dir.options().history(4).create_any("from").unwrap();
        let record = dir.start(&["record", "from", &to, "--count", "3"]);
        wait_until("it reads", || writer.reader_count() == 1);
        let seen = |number: u64| {
            let report = dir.options().look("from", Kind::Channel).unwrap();
            report.readers.iter().any(|reader| reader.seen == number)
        };
        for count in 1..=3 {
            write(&mut writer, count);
            wait_until("it records", || count == 3 || seen(count.into()));
        }
        let ran = record.end();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, "3 values recorded, 0 missed\n"), "{to}");
        dir.ok(&["play", "to", &to, "--keep", "--rate", "1000"]);
        let mut reader = dir.options().open("to").unwrap();
        let sample = reader.latest().unwrap().unwrap();
        assert_eq!((sample.record_type(), sample.as_bytes()), (Some(&tick()), ticks(3).as_slice()), "{to}");
    }
}
