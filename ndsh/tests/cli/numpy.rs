//! Files that NumPy reads and writes, and a terminal that goes away.
//!
//! The variable `NDSHARRAY_PYTHON` names an interpreter with NumPy, ml_dtypes, Pillow and
//! ndsharray; `.ci/run cli` installs one.

use crate::support::{PythonName, TestDir, python_program as python};
use ndsharray::DType;

/// Arrays that NumPy makes go through a channel and come back; NumPy compares them.
const MAKE: &str = "
names = sys.argv[1].split()
rng = np.random.default_rng(7)
def make(name, shape):
    dtype = np.dtype(getattr(ml_dtypes, name)) if name == 'bfloat16' else np.dtype(name)
    numbers = rng.normal(scale=50, size=shape)
    if name == 'bool':
        return np.asarray(numbers > 0)
    if dtype.kind == 'c':
        return np.asarray(numbers + 1j * rng.normal(size=shape)).astype(dtype)
    return np.asarray(np.abs(numbers) if dtype.kind == 'u' else numbers).astype(dtype)
cases = []
for name in names:
    for shape in [(), (0,), (5,), (2, 3), (2, 1, 3, 4), (3, 0, 2)]:
        array = make(name, shape)
        variants = [array, np.asfortranarray(array)]
        if name not in ('bfloat16',):
            variants.append(array.astype(array.dtype.newbyteorder('>')))
            variants.append(np.asfortranarray(array.astype(array.dtype.newbyteorder('>'))))
        cases += variants
for i, array in enumerate(cases):
    np.save(f'in{i}.npy', array)
print(len(cases))
";

const COMPARE: &str = "
def same(a, b):
    if b.dtype.kind == 'V':
        b = b.view(ml_dtypes.bfloat16)
    if a.dtype.kind == 'V':
        a = a.view(ml_dtypes.bfloat16)
    assert b.dtype.isnative and a.dtype.newbyteorder('=') == b.dtype, (a.dtype, b.dtype)
    assert a.shape == b.shape, (a.shape, b.shape)
    assert np.array_equal(np.asarray(a, dtype=b.dtype).astype(b.dtype), b), (a, b)
for i in range(int(sys.argv[1])):
    array = np.load(f'in{i}.npy')
    same(array, np.load(f'out{i}.npy'))
    with np.load(f'out{i}.npz') as archive:
        assert archive.files == ['arr_0']
        same(array, archive['arr_0'])
print('same')
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn numpy_reads_what_it_wrote() {
    let dir = TestDir::new();
    let names: Vec<&str> =
        DType::ALL.iter().filter(|dtype| **dtype < DType::DateTime64).map(|dtype| dtype.name()).collect();
    let count = python(&dir, MAKE, &[&names.join(" ")]);
    let count: usize = count.trim().parse().unwrap();
    assert_eq!(count, (names.len() - 1) * 6 * 4 + 6 * 2);
    for index in 0..count {
        dir.ok(&["put", "it", &dir.text_path(&format!("in{index}.npy"))]);
        for format in ["npy", "npz"] {
            dir.ok(&["get", "it", &dir.text_path(&format!("out{index}.{format}"))]);
        }
    }
    assert_eq!(python(&dir, COMPARE, &[&count.to_string()]), "same\n");
}

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn numpys_archives_and_streams_are_read() {
    let dir = TestDir::new();
    python(
        &dir,
        "np.savez('plain.npz', a=np.arange(3, dtype='u1'), b=np.eye(2))\nnp.savez_compressed('packed.npz', x=np.full((100, 100), 7, 'i2'))\n\
         f = open('stream', 'wb')\nfor i in range(3): np.save(f, np.full(2, i, 'u1'))\n\
         np.save('object.npy', np.array([None]), allow_pickle=True)\nnp.save('long.npy', np.zeros(2, 'M8[16777216s]'))",
        &[],
    );
    dir.ok(&["put", "a", &dir.text_path("plain.npz"), "--key", "a"]);
    dir.ok(&["put", "b", &dir.text_path("plain.npz"), "--rate", "1000"]);
    dir.ok(&["put", "x", &dir.text_path("packed.npz")]);
    dir.ok(&["put", "s", &dir.text_path("stream"), "--rate", "1000"]);
    let shape = |name: &str| {
        let mut reader = dir.options().open(name).unwrap();
        let sample = reader.latest().unwrap().unwrap();
        (sample.dtype(), sample.shape().to_vec(), sample.seq())
    };
    assert_eq!(shape("a"), (DType::U8, vec![3], 1));
    assert_eq!(shape("b"), (DType::F64, vec![2, 2], 2));
    assert_eq!(shape("x"), (DType::I16, vec![100, 100], 1));
    assert_eq!(shape("s"), (DType::U8, vec![2], 3));
    for file in ["object.npy", "long.npy"] {
        let ran = dir.run(&["put", "refused", &dir.text_path(file)]);
        assert!(ran.code == 4 && ran.stderr.contains("next: save"), "{file}: {ran:?}");
    }
}

const RECORDINGS: &str = "
import json
clip = np.load('clip.npy')
archive = np.load('recording.npz')
lines = [json.loads(line) for line in open('recording/index.jsonl')]
def check(values, seqs, times):
    assert len(values) == len(seqs) == len(times) == 12
    assert all(np.array_equal(value, clip[(int(seq) - 1) % 10]) for value, seq in zip(values, seqs))
    assert (np.diff(times) > 0).all(), times
check([archive[f'{i:08}'] for i in range(12)], archive['seq'], archive['time'])
check([np.load('recording/' + line['file']) for line in lines], [line['seq'] for line in lines], [line['time'] for line in lines])
assert archive['missed'].dtype == np.uint64 and archive['unix_time'][0] > 1.7e9
print('good')
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn numpy_reads_recordings_and_pipes() {
    let dir = TestDir::new();
    let clip = dir.text_path("clip.npy");
    python(&dir, "np.save('clip.npy', np.arange(40, dtype='f4').reshape(10, 4))", &[]);
    let put = dir.start(&["put", "it", &clip, "--split", "--loop", "--rate", "100"]);
    drop(dir.options().open_timeout("it", crate::support::TIMEOUT).unwrap());
    for to in ["recording", "recording.npz"] {
        let ran = dir.run(&["record", "it", &dir.text_path(to), "--count", "12"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    put.interrupt();
    assert_eq!(put.end().code, 0);
    assert_eq!(python(&dir, RECORDINGS, &[]), "good\n");

    // From one channel through Python to another.
    dir.ok(&["put", "from", &clip]);
    let stream = dir.start(&["get", "from", "-"]).end_bytes();
    std::fs::write(dir.file("piped.npy"), &stream).unwrap();
    assert_eq!(python(&dir, "print(np.load(open('piped.npy', 'rb')).sum())", &[]), "780.0\n");
}

const PICTURES: &str = "
from PIL import Image
rng = np.random.default_rng(1)
arrays = {name: rng.integers(0, 256, (5, 7) + more, dtype='u1') for name, more in [('L', ()), ('LA', (2,)), ('RGB', (3,)), ('RGBA', (4,))]}
arrays['I'] = rng.integers(0, 65536, (5, 7), dtype='u2')
arrays['B'] = rng.integers(0, 2, (5, 19)).astype(bool)
for name, array in arrays.items():
    np.save(f'{name}.npy', array)
    Image.fromarray(array).save(f'{name}.png')
Image.fromarray(arrays['RGB']).quantize(8).save('P.png')
";

const SAME_PICTURES: &str = "
from PIL import Image
for name in ['L', 'LA', 'RGB', 'RGBA', 'I', 'B']:
    array, ours = np.load(f'{name}.npy'), np.load(f'ours-{name}.npy')
    assert array.dtype == ours.dtype and np.array_equal(array, ours), name
    assert np.array_equal(np.array(Image.open(f'ours-{name}.png')).astype(array.dtype), array), name
assert np.array_equal(np.array(Image.open('P.png').convert('RGB')), np.load('ours-P.npy'))
print('good')
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn pillow_and_we_agree_on_pictures() {
    let dir = TestDir::new();
    python(&dir, PICTURES, &[]);
    for name in ["L", "LA", "RGB", "RGBA", "I", "B", "P"] {
        dir.ok(&["put", name, &dir.text_path(&format!("{name}.png"))]);
        dir.ok(&["get", name, &dir.text_path(&format!("ours-{name}.npy"))]);
        dir.ok(&["get", name, &dir.text_path(&format!("ours-{name}.png"))]);
    }
    assert_eq!(python(&dir, SAME_PICTURES, &[]), "good\n");
}

#[test]
#[ignore = "needs Python with ndsharray; `.ci/run cli` runs it"]
fn pythons_channels_are_fed_and_read() {
    let dir = TestDir::new();
    let name = PythonName::new("data");
    let ndsh = |args: &[&str]| {
        let output = dir.command(args).args(["--dir", "/dev/shm", "--kind", "python"]).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // A value that Python wrote, and left.
    python(
        &dir,
        "from ndsharray import NdShArray\nvalue = np.arange(6, dtype='f8').reshape(2, 3)\n\
         writer = NdShArray(sys.argv[1], value, r_w='w')\nwriter.write(value)",
        &[&name.0],
    );
    let file = dir.text_path("a.npy");
    ndsh(&["get", &name.0, &file]);
    assert_eq!(python(&dir, "print(np.load('a.npy').tolist())", &[]), "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]\n");
    let line = ndsh(&["watch", &name.0, "--count", "2", "--interval", "0.2"]);
    assert!(line.contains("float64 (2, 3)") && line.contains("min 0  max 5  mean 2.5000"), "{line}");
    assert!(ndsh(&["view", &name.0, "--width", "6"]).contains("0 to 5"));
    // A value for Python to read.
    let output = dir.command(&["put", &name.0, &file, "--python", "--dir", "/dev/shm"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read =
        "from ndsharray import NdShArray\nreader = NdShArray(sys.argv[1], r_w='r')\nprint(reader.read()[1].tolist())";
    assert_eq!(python(&dir, read, &[&name.0]), "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]\n");
}

const HANG_UP: &str = "
import os, pty, time
for command in (['watch', 'it'], ['view', 'it', '--follow']):
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.argv[1], ['ndsh'] + command)
    shown = b''
    while b'\\x1b[?1049h' not in shown:
        more = os.read(terminal, 1 << 16)
        assert more, shown
        shown += more
    os.close(terminal)
    end = time.monotonic() + 120
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, 9)
            sys.exit(f'{command} goes on without a terminal')
        time.sleep(0.01)
    assert os.WIFEXITED(ended[1]), ended
print('good')
";

#[test]
#[ignore = "needs Python; `.ci/run cli` runs it"]
fn a_terminal_that_goes_ends_what_runs_on_it() {
    let dir = TestDir::new();
    assert_eq!(python(&dir, HANG_UP, &[env!("CARGO_BIN_EXE_ndsh")]), "good\n");
}

/// Headers, and whether NumPy reads them: one line each, `name verdict`.
const HEADERS: &str = r#"
import io, struct, warnings
warnings.simplefilter('ignore')
dtypes = ['<f4', '>i2', '|u1', '=f8', 'f8', 'i4', '?', 'b', 'B', 'h', 'H', 'i', 'I', 'l', 'L', 'q', 'Q', 'e', 'f', 'd',
          'g', 'F', 'D', 'G', 'p', 'P', 'bool', 'int8', 'uint16', 'int', 'uint', 'float', 'complex', 'half', 'single',
          'double', 'longdouble', 'csingle', 'cdouble', 'clongdouble', 'byte', 'ubyte', 'short', 'ushort', 'intc',
          'uintc', 'intp', 'uintp', 'longlong', 'ulonglong', 'float128', 'complex256', 'long', 'ulong', '<f8 ', '<q',
          '>d', '|b1', '|f8', '<c16', '>c8', 'b1', 'O', '|O', 'object', '<f12', '<f3', 'nonsense', '', '<', '>bool',
          '<float32', 'i0', 'f-8', 'bool_', 'int_', 'float64']
headers = [f"{{'descr': {d!r}, 'fortran_order': False, 'shape': (2,)}}" for d in dtypes]
plain = "'descr': '<f4', 'fortran_order': False"
shapes = ['()', '(2L,)', '(2L, 1L)', '(0x2,)', '(0b10,)', '(0o2,)', '(+2,)', '(-2,)', '(2)', '[2]', '(True, 2)',
          '(2, None)', '(2.0,)', '(1_0,)', '(02,)', '(2,,)', '(\n2,\n)', '(2 L,)', '((2,),)', "('2',)", '(2, 0)',
          '(2,) # note', '(2l,)', '(00,)', '(2,)+(3,)']
headers += ["{%s, 'shape': %s}" % (plain, shape) for shape in shapes]
headers += ['{"descr": "<f4", "fortran_order": False, "shape": (2,)}', "{'shape': (2,), %s, }" % plain,
            "{u'descr': u'<f4', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<' 'f4', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': r'<f4', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "{%s}" % plain,
            "{%s, 'shape': (2,), 'x': 1}" % plain, "{%s, 'shape': (3,), 'shape': (2,)}" % plain, "dict(descr='<f4')",
            "[]", "", "{%s, 'shape': (2,)" % plain, "{ %s ,\t'shape' :(2,) }   " % plain, "({%s, 'shape': (2,)})" % plain,
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '''<f4''', 'fortran_order': False, 'shape': (2,)}"]
count = 0
for version in [(1, 0), (2, 0), (3, 0), (1, 1), (4, 0)]:
    for text in headers:
        body = text.encode('latin1') + b'\n'
        length = struct.pack('<H' if version[0] == 1 else '<I', len(body))
        file = b'\x93NUMPY' + bytes(version) + length + body + bytes(1024)
        try:
            source = io.BytesIO(file)
            array = np.lib.format.read_array(source, allow_pickle=False)
            file = file[:source.tell()]
            verdict = 'read' if array.dtype.names is None and array.dtype.kind in 'biufc' else 'other'
            np.save(f'want{count}.npy', array)
        except Exception:
            verdict = 'refused'
        open(f'in{count}.npy', 'wb').write(file)
        print(count, verdict, version[0], version[1], text.encode('unicode_escape').decode())
        count += 1
"#;

const SAME_AS_WANTED: &str = "
import glob
names = [name[3:] for name in glob.glob('out*.npy')]
for name in names:
    a, b = np.load('want' + name), np.load('out' + name)
    assert a.dtype.newbyteorder('=') == b.dtype and a.shape == b.shape, (name, a.dtype, b.dtype, a.shape, b.shape)
print(len(names))
";

#[test]
#[ignore = "needs Python with NumPy; `.ci/run cli` runs it"]
fn headers_are_read_as_numpy_reads_them() {
    let dir = TestDir::new();
    let told = python(&dir, HEADERS, &[]);
    let mut read = 0;
    for line in told.lines() {
        let (index, rest) = line.split_once(' ').unwrap();
        let (verdict, header) = rest.split_once(' ').unwrap();
        let ran = dir.run(&["put", "it", &dir.text_path(&format!("in{index}.npy"))]);
        match verdict {
            "read" => {
                assert_eq!(ran.code, 0, "{header}: {ran:?}");
                dir.ok(&["get", "it", &dir.text_path(&format!("out{index}.npy"))]);
                read += 1;
            }
            "refused" => assert_eq!(ran.code, 4, "{header}: {ran:?}"),
            // Dates, for example: NumPy has a dtype for them, this library has none.
            _ => assert!([0, 4].contains(&ran.code), "{header}: {ran:?}"),
        }
    }
    assert!(read > 200, "{told}");
    assert_eq!(python(&dir, SAME_AS_WANTED, &[]).trim().parse::<usize>().unwrap(), read);
}
