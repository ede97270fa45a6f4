//! `echo` and `stat`.

use crate::support::{TestDir, python_program, wait_until};
use ndsharray::{AnyArrayView, DType, ElementType, Field, RecordType, RecordView};
use serde_json::{Value, json};

#[test]
fn numbers_and_parts_of_them() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<f32>("it").unwrap();
    writer.write(&[2, 3], &[0.0, 0.5, -1.0, 3.0, 4.0, f32::NAN]).unwrap();
    assert_eq!(dir.ok(&["echo", "it"]), "[[ 0.   0.5 -1. ]\n [ 3.   4.   nan]]\n");
    assert_eq!(dir.ok(&["echo", "it", "--index", "0,::-2"]), "[-1.  0.]\n");
    assert_eq!(dir.ok(&["echo", "it", "-i", "-1,-3"]), "3.0\n");
    assert_eq!(dir.ok(&["echo", "it", "--csv"]), "0.0,0.5,-1.0\n3.0,4.0,nan\n");
    let text = dir.ok(&["echo", "it", "--verbose"]);
    assert!(text.starts_with("it  float32 (2, 3)  #1  ") && text.contains(" old\n[[ 0. "), "{text}");
    let value = dir.json(&["echo", "it", "--json"]);
    assert_eq!(value["elements"], json!([[0.0, 0.5, -1.0], [3.0, 4.0, "nan"]]));
    assert_eq!((&value["dtype"], &value["shape"], &value["seq"]), (&json!("float32"), &json!([2, 3]), &json!(1)));
    writer.write(&[1], &[1.0 / 3.0]).unwrap();
    assert_eq!(dir.ok(&["echo", "it", "--precision", "2"]), "[0.33]\n");
    assert_eq!(dir.ok(&["echo", "it", "--csv"]), "0.33333334\n");
    for bad in ["2", "0,0", "x", "::0"] {
        let ran = dir.run(&["echo", "it", "--index", bad]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{bad}: {ran:?}");
    }
}

#[test]
fn attributes_are_printed_when_wanted() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write_with(&[1], &[7], b"{\"frame\": 5}").unwrap();
    assert_eq!(dir.ok(&["echo", "it"]), "[7]\n");
    let text = dir.ok(&["echo", "it", "--verbose"]);
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["attributes: {\"frame\": 5}", "[7]"]);
    assert_eq!(dir.json(&["echo", "it", "--json"])["attributes"], json!({"frame": 5}));
    writer.write_with(&[1], &[7], b"\x1b\xff").unwrap();
    assert!(dir.ok(&["echo", "it", "--verbose"]).contains("\nattributes: hex 1bff\n"));
    writer.write(&[1], &[8]).unwrap();
    assert!(!dir.ok(&["echo", "it", "--verbose"]).contains("attributes"));
    assert!(dir.json(&["echo", "it", "--json"])["attributes"].is_null());
}

#[test]
fn every_dtype_and_kind_can_be_printed() {
    let dir = TestDir::new();
    for &dtype in ndsharray::DType::ALL.iter().filter(|dtype| **dtype < DType::Bytes) {
        let mut writer = dir.options().create_any("it").unwrap();
        for shape in [&[][..], &[0], &[3], &[2, 2], &[3, 0]] {
            writer.write_bytes(dtype, shape, &vec![0; shape.iter().product::<usize>() * dtype.size()]).unwrap();
            for form in [&["echo", "it"][..], &["echo", "it", "--csv"], &["stat", "it"]] {
                dir.ok(form);
            }
            assert_eq!(dir.json(&["echo", "it", "--json"])["dtype"], ElementType::from(dtype).to_string());
        }
    }
    let array = dir.array_options().from_slice::<i16>("array", &[2], &[-1, 20]).unwrap();
    assert_eq!(dir.ok(&["echo", "array"]), "[-1 20]\n");
    array.unlink().unwrap();
    dir.python().persist(true).create::<u64>("python").unwrap().write(&[1], &[u64::MAX]).unwrap();
    assert_eq!(dir.json(&["echo", "python", "--json"])["elements"], json!([u64::MAX]));
    assert_eq!(dir.run(&["echo", "nothing"]).code, 3);
    let _writer = dir.options().create::<u8>("empty").unwrap();
    assert_eq!(dir.run(&["echo", "empty", "--wait=0.05"]).code, 9);
}

#[test]
fn many_elements_are_summarised_unless_all_are_asked_for() {
    let dir = TestDir::new();
    let numbers: Vec<u16> = (0..1200).collect();
    dir.options().persist(true).create::<u16>("it").unwrap().write(&[40, 30], &numbers).unwrap();
    let text = dir.ok(&["echo", "it"]);
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(text.starts_with("[[   0    1    2 ...   27   28   29]\n"), "{text}");
    let all = dir.ok(&["echo", "it", "--full"]);
    let words = all.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
    assert_eq!(words.map(|word| word.parse::<u16>().unwrap()).collect::<Vec<_>>(), numbers);
}

#[test]
fn it_follows_until_the_writer_ends() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("it").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let mut echo = dir.start(&["echo", "it", "--follow"]);
    assert_eq!(echo.line(), "[1]\n");
    writer.write(&[1], &[2]).unwrap();
    assert_eq!((echo.line(), echo.line()), ("---\n".to_owned(), "[2]\n".to_owned()));
    drop(writer);
    let ran = echo.end();
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));

    let mut echo = dir.start(&["echo", "next", "--follow", "--json", "--count=2", "--reopen", "--wait=30"]);
    let mut first = dir.options().create::<u8>("next").unwrap();
    first.write(&[1], &[7]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&echo.line()).unwrap()["elements"], json!([7]));
    drop(first);
    dir.options().persist(true).create::<u8>("next").unwrap().write(&[1], &[8]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&echo.line()).unwrap()["elements"], json!([8]));
    assert_eq!(echo.end().code, 0);
}

#[test]
fn an_array_is_printed_when_it_changes() {
    let dir = TestDir::new();
    let array = dir.array_options().from_slice::<u8>("array", &[2], &[1, 2]).unwrap();
    let mut echo = dir.start(&["echo", "array", "--follow", "--csv"]);
    assert_eq!(echo.line(), "1,2\n");
    array.write().unwrap().as_mut_slice()[1] = 9;
    assert_eq!(echo.line(), "1,9\n");
    echo.interrupt();
    let ran = echo.end();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    array.unlink().unwrap();
}

#[test]
fn figures_of_one_value() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<f64>("it").unwrap();
    writer.write(&[7], &[4.0, 1.0, 3.0, 2.0, 5.0, f64::NAN, f64::INFINITY]).unwrap();
    let text = dir.ok(&["stat", "it"]);
    for line in
        ["count     7", "nan       1", "infinite  1", "min       1", "mean      3", "std       1.4142", "50%       3"]
    {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let value = dir.json(&["stat", "it", "--json", "--index", ":2", "--quantiles", "0,0.5"]);
    assert_eq!((&value["values"]["count"], &value["values"]["std"]), (&json!(2), &json!(1.5)));
    assert_eq!(value["quantiles"], json!([{"part": 0.0, "value": 1.0}, {"part": 0.5, "value": 2.5}]));
    assert_eq!(dir.run(&["stat", "it", "--quantiles", "1.5"]).code, 2);
    assert_eq!(dir.run(&["stat", "nothing"]).code, 3);
}

/// What vanishes, is cut or belongs to others while it is read ends with a sentence.
#[test]
fn damage_is_a_sentence() {
    let dir = TestDir::new();
    std::fs::write(dir.file("bad.ndsh"), b"NDSHBORD and then nonsense").unwrap();
    std::fs::write(dir.file("other.ndsh"), b"not ours at all".repeat(100)).unwrap();
    for name in ["bad", "other"] {
        for command in ["echo", "stat"] {
            let ran = dir.run(&[command, name]);
            assert!(ran.code == 4 && ran.stderr.starts_with("ndsh: "), "{command} {name}: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        }
    }
    let writer = dir.options().create::<u8>("gone").unwrap();
    let mut echo = dir.start(&["echo", "gone", "--follow"]);
    wait_until("it reads", || {
        dir.json(&["ls", "--json", "--interval=0"]).as_array().unwrap().iter().any(|one| one["readers"] == 1)
    });
    drop(writer);
    assert_eq!((echo.line(), echo.end().code), (String::new(), 0));
}

/// Arrays of all kinds, and what NumPy prints of them.
const PRINTED: &str = "
rng = np.random.default_rng(3)
cases = []
for name in ['float64', 'float32', 'float16']:
    for scale in [1, 1e-3, 1e-6, 1e3, 300, 1e7 if name != 'float16' else 1]:
        numbers = rng.normal(scale=scale, size=(3, 4))
        cases += [numbers.astype(name), np.round(numbers, 2).astype(name), np.abs(numbers).round().astype(name)]
    special = np.array([0, -0.0, 1, np.nan, np.inf, -np.inf, 1.5, 1e-4, 9e-5, 999.5, 1e6, 1e8, 1e16, 123456.789])
    with np.errstate(over='ignore'):
        special = special.astype(name)
    cases += [special, special[:3], special[3:4], special[3:6], special[4:5], special[6:9], special[:0], special[6:11]]
    cases += [np.array(one) for one in special]
    cases += [np.arange(2000, dtype='float32').astype(name), rng.normal(size=(50, 60)).astype(name), np.ones((12, 11, 10), name)]
    cases += [rng.normal(size=(2, 3, 2, 2)).astype(name), np.full((30,), 0.1, name)]
for name in ['complex64', 'complex128']:
    numbers = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    cases += [numbers.astype(name), np.round(numbers).astype(name), (numbers * 1e-7).astype(name), np.zeros((2, 0), name)]
    odd = np.array([complex(np.nan, 1), complex(1, -np.inf), 2j, -1, complex(-0.0, 0)]).astype(name)
    cases += [odd] + [np.array(one) for one in odd]
for name in ['bool', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64']:
    numbers = rng.integers(0, 2 if name == 'bool' else 120, size=(5, 7)).astype(name)
    cases += [numbers, numbers[:0], numbers[0, 0], rng.integers(0, 2, size=1500).astype(name), numbers[None, :, None]]
    if name != 'bool':
        cases += [np.array([np.iinfo(name).min, np.iinfo(name).max]), np.arange(100).astype(name)]
for i, array in enumerate(cases):
    array = np.asarray(array)
    np.save(f'case{i}.npy', array)
    open(f'case{i}.txt', 'w').write(str(array) + '\\n')
with np.printoptions(precision=3):
    open('precision.txt', 'w').write(str(np.load('case0.npy')) + '\\n')
print(len(cases))
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn arrays_look_as_numpy_prints_them() {
    let dir = TestDir::new();
    let count: usize = python_program(&dir, PRINTED, &[]).trim().parse().unwrap();
    assert!(count > 150, "{count}");
    let mut wrong = Vec::new();
    for case in 0..count {
        dir.ok(&["put", "it", &dir.text_path(&format!("case{case}.npy"))]);
        let (found, wanted) =
            (dir.ok(&["echo", "it"]), std::fs::read_to_string(dir.file(&format!("case{case}.txt"))).unwrap());
        if found != wanted {
            wrong.push(format!("case {case}, found\n{found}wanted\n{wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong.join("\n"));
    dir.ok(&["put", "it", &dir.text_path("case0.npy")]);
    let wanted = std::fs::read_to_string(dir.file("precision.txt")).unwrap();
    assert_eq!(dir.ok(&["echo", "it", "--precision", "3"]), wanted);
}

const FIGURES: &str = "
rng = np.random.default_rng(5)
array = rng.normal(size=10_001)
np.save('array.npy', array)
print(array.mean(), array.std(), *np.quantile(array, [0.01, 0.25, 0.5, 0.75, 0.99]))
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn figures_are_numpys() {
    let dir = TestDir::new();
    let wanted: Vec<f64> =
        python_program(&dir, FIGURES, &[]).split_whitespace().map(|word| word.parse().unwrap()).collect();
    dir.ok(&["put", "it", &dir.text_path("array.npy")]);
    let value = dir.json(&["stat", "it", "--json"]);
    let mut found = vec![value["values"]["mean"].as_f64().unwrap(), value["values"]["std"].as_f64().unwrap()];
    found.extend(value["quantiles"].as_array().unwrap().iter().map(|one| one["value"].as_f64().unwrap()));
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
    }
}

#[test]
fn records_are_printed_by_field() {
    let dir = TestDir::new();
    let record = RecordType::new(
        32,
        [
            Field::new("x", 0, DType::F64),
            Field::new("n", 8, DType::U16),
            Field::new("v", 12, DType::F32).with_shape(&[2]),
            Field::new("on", 20, DType::Bool),
        ],
    )
    .unwrap();
    let mut bytes = Vec::new();
    for (x, n, v, on) in [(1.5_f64, 10_u16, [0.5_f32, 1.0], 1_u8), (-22.25, 3, [7.0, f32::NAN], 0)] {
        let mut one = vec![0; 32];
        one[..8].copy_from_slice(&x.to_ne_bytes());
        one[8..10].copy_from_slice(&n.to_ne_bytes());
        one[12..20].copy_from_slice(&v.map(f32::to_ne_bytes).concat());
        one[20] = on;
        bytes.extend(one);
    }
    let mut writer = dir.options().create_any("it").unwrap();
    let view = RecordView::new(&record, &[2], &bytes).unwrap();
    writer.write_any(&AnyArrayView::from(view)).unwrap();
    // Columns as NumPy's.
    let printed = "[(  1.5 , 10, [0.5 1. ],  True) (-22.25,  3, [7.  nan], False)]\n";
    assert_eq!(dir.ok(&["echo", "it"]), printed);
    assert_eq!(dir.ok(&["echo", "it", "--index", "1"]), "(-22.25, 3, [7.0 nan], False)\n");
    assert_eq!(dir.ok(&["echo", "it", "--csv"]), "1.5,10,0.5,1.0,True\n-22.25,3,7.0,nan,False\n");
    let found = dir.json(&["echo", "it", "--json"]);
    assert_eq!(found["elements"][0], json!({"x": 1.5, "n": 10, "v": [0.5, 1.0], "on": true}));
    assert_eq!(found["elements"][1]["v"], json!([7.0, "nan"]));
    assert!(dir.ok(&["echo", "it", "--verbose"]).contains("(2,)"));
    for other in [&["stat", "it"][..], &["view", "it"]] {
        let ran = dir.run(other);
        assert!(ran.code == 1 && ran.stderr.contains("records"), "{other:?}: {ran:?}");
    }
}

/// Whatever becomes of its output, `echo` holds no value back from the writer.
#[test]
fn a_reader_of_the_output_that_stops_takes_no_slot() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_slots(2).create::<u32>("it").unwrap();
    let mut write = |value: u32| writer.write(&[1000], &vec![value; 1000]);
    write(0).unwrap();
    let mut echo = dir.start(&["echo", "it", "--follow", "--full"]);
    assert!(echo.line().starts_with("[0 0 0"));
    // Nothing reads on: the pipe is full before long, and the command waits for it to empty.
    let (mut written, mut refused) = (0, 0);
    let blocked = format!("/proc/{}/wchan", echo.id());
    wait_until("the pipe is full", || {
        for _ in 0..20 {
            match write(7) {
                Ok(_) => written += 1,
                // It holds one for as long as it reads it.
                Err(ndsharray::Error::AllSlotsPinned { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        std::fs::read_to_string(&blocked).is_ok_and(|wchan| wchan.contains("pipe")) || written > 20_000
    });
    assert!(written > refused, "{written} values, and {refused} refused");
    wait_until("no slot is held", || (0..100).all(|value| write(value).is_ok()));
    drop(echo);
}
