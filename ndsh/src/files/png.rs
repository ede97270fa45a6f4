//! PNG pictures whose pixels are an array's elements, one for one.
//!
//! `uint8` and `uint16` of shape (height, width) or (height, width, channels) with 1 to 4 channels,
//! and `bool` of shape (height, width).

use super::bad_file;
use crate::array::{Array, ArrayRef, byte_len};
use crate::failure::{Exit, Failure, Result};
use crate::output::shape as show_shape;
use ndsharray::DType;
use png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, EncodingError, Transformations};
use std::io::{BufRead, Read, Seek, Write};

pub(crate) const MAGIC: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Writes an array whose elements are pixels.
pub(crate) fn write(to: &mut impl Write, array: ArrayRef<'_>) -> Result<()> {
    let no_picture = || {
        Failure::new(Exit::Usage, format!("{} {} is no picture", array.type_name(), show_shape(array.shape)))
            .advise("`ndsh view NAME --png FILE` makes a picture of any array; .npy and .npz take any array as it is")
    };
    let (height, width, channels) = match *array.shape {
        [height, width] => (height, width, 1),
        [height, width, channels] if array.dtype() != DType::Bool => (height, width, channels),
        _ => return Err(no_picture()),
    };
    let depth = match array.dtype() {
        DType::Bool => BitDepth::One,
        DType::U8 => BitDepth::Eight,
        DType::U16 => BitDepth::Sixteen,
        _ => return Err(no_picture()),
    };
    let color = match channels {
        1 => ColorType::Grayscale,
        2 => ColorType::GrayscaleAlpha,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        _ => return Err(no_picture()),
    };
    let swapped: Vec<u8>;
    let packed: Vec<u8>;
    let bytes = match depth {
        // PNG is big-endian.
        BitDepth::Sixteen => {
            let words = array.bytes.as_chunks::<2>().0;
            swapped = words.iter().flat_map(|word| u16::from_ne_bytes(*word).to_be_bytes()).collect();
            &swapped
        }
        BitDepth::One => {
            packed = array.bytes.chunks(width.max(1)).flat_map(pack).collect();
            &packed
        }
        _ => array.bytes,
    };
    encode(to, [width, height], color, depth, bytes).ok_or_else(no_picture)?
}

/// Packs a row, eight pixels in a byte, with the leftmost in the highest bit.
fn pack(row: &[u8]) -> impl Iterator<Item = u8> {
    row.chunks(8).map(|bits| bits.iter().zip((0..8).rev()).fold(0, |byte, (bit, place)| byte | (bit & 1) << place))
}

/// Writes a picture of red, green, blue and alpha.
pub(crate) fn write_rgba(to: &mut impl Write, size: [usize; 2], pixels: &[u8]) -> Result<()> {
    encode(to, size, ColorType::Rgba, BitDepth::Eight, pixels)
        .unwrap_or_else(|| Err(Failure::new(Exit::Failure, format!("no PNG has {} times {} pixels", size[0], size[1]))))
}

/// Writes a picture; `None` if PNG cannot have the size.
fn encode(
    to: &mut impl Write,
    size: [usize; 2],
    color: ColorType,
    depth: BitDepth,
    bytes: &[u8],
) -> Option<Result<()>> {
    let [width, height] = size.map(|len| u32::try_from(len).ok().filter(|&len| len > 0 && len <= i32::MAX as u32));
    let mut encoder = Encoder::new(to, width?, height?);
    encoder.set_color(color);
    encoder.set_depth(depth);
    Some(
        (|| {
            let mut writer = encoder.write_header()?;
            writer.write_image_data(bytes)?;
            writer.finish()
        })()
        .map_err(|error| match error {
            EncodingError::IoError(error) => error.into(),
            other => Failure::new(Exit::Failure, other.to_string()),
        }),
    )
}

/// Reads a picture; palettes become colours, and 2 or 4 bits become `uint8`.
pub(crate) fn read(from: impl BufRead + Seek) -> Result<Array> {
    let mut decoder = Decoder::new(from);
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(failure)?;
    let bits = header.bit_depth == BitDepth::One && header.color_type == ColorType::Grayscale && header.trns.is_none();
    if bits {
        decoder.set_transformations(Transformations::IDENTITY);
    }
    let mut reader = decoder.read_info().map_err(failure)?;
    let len = reader.output_buffer_size().ok_or_else(|| bad_file(".png", "it is larger than any memory"))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| crate::array::no_memory(len))?;
    bytes.resize(len, 0);
    let frame = reader.next_frame(&mut bytes).map_err(failure)?;
    bytes.truncate(frame.buffer_size());
    let (height, width) = (frame.height as usize, frame.width as usize);
    if bits {
        let rows = bytes.chunks(frame.line_size);
        bytes =
            rows.flat_map(|row| (0..width).map(|x| row.get(x / 8).copied().unwrap_or(0) >> (7 - x % 8) & 1)).collect();
        return Ok(Array::new(DType::Bool, vec![height, width], bytes));
    }
    let dtype = if frame.bit_depth == BitDepth::Sixteen { DType::U16 } else { DType::U8 };
    if dtype == DType::U16 {
        for word in bytes.as_chunks_mut::<2>().0 {
            *word = u16::from_be_bytes(*word).to_ne_bytes();
        }
    }
    let shape = match frame.color_type.samples() {
        1 => vec![height, width],
        channels => vec![height, width, channels],
    };
    if byte_len(dtype, &shape) != Some(bytes.len()) {
        return Err(bad_file(".png", "its size is not that of its pixels"));
    }
    Ok(Array::new(dtype, shape, bytes))
}

/// Reads the next picture of a stream; `None` at its end.
///
/// The decoder reads ahead, so it gets the bytes of one picture alone.
pub(crate) fn next_of_stream(from: &mut impl BufRead) -> Result<Option<Array>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    piece(from, MAGIC.len(), &mut bytes)?;
    if bytes != MAGIC {
        return Err(bad_file(".png", "what follows a picture is none"));
    }
    loop {
        let at = bytes.len();
        // Length and kind of a chunk; behind its content stands a checksum.
        piece(from, 8, &mut bytes)?;
        let (len, kind) = match bytes.get(at..).and_then(|head| head.as_chunks::<4>().0.split_first_chunk()) {
            Some(([len, kind], _)) => (u32::from_be_bytes(*len), *kind),
            None => return Err(cut()),
        };
        piece(from, (len as usize).saturating_add(4), &mut bytes)?;
        if kind == *b"IEND" {
            return read(std::io::Cursor::new(bytes)).map(Some);
        }
    }
}

/// Appends so many bytes; memory grows with what comes, as nothing proves the length.
fn piece(from: &mut impl BufRead, len: usize, bytes: &mut Vec<u8>) -> Result<()> {
    let found = from.by_ref().take(len as u64).read_to_end(bytes)?;
    if found == len { Ok(()) } else { Err(cut()) }
}

fn cut() -> Failure {
    bad_file(".png", "it ends within a picture")
}

fn failure(error: DecodingError) -> Failure {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => error.into(),
        other => bad_file(".png", other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    proptest! {
        #[test]
        fn pictures_come_back(
            (dtype, channels) in prop_oneof![
                (Just(DType::Bool), Just(None)),
                (Just(DType::U8), prop::option::of(2_usize..=4)),
                (Just(DType::U16), prop::option::of(2_usize..=4)),
            ],
            height in 1_usize..10, width in 1_usize..20, seed: u8,
        ) {
            let shape: Vec<usize> = [height, width].into_iter().chain(channels).collect();
            let largest = if dtype == DType::Bool { 1 } else { 255 };
            let len = byte_len(dtype, &shape).unwrap();
            let bytes = (0..len).map(|i| ((i * 37).to_le_bytes()[0] ^ seed).wrapping_mul(29) & largest).collect();
            let array = Array::new(dtype, shape, bytes);
            let mut file = Vec::new();
            write(&mut file, array.view()).unwrap();
            prop_assert_eq!(read(Cursor::new(&file)).unwrap(), array);
        }
    }

    #[test]
    fn pictures_follow_one_another() {
        let mut stream = Vec::new();
        for value in [1, 2] {
            write(&mut stream, ArrayRef::new(DType::U8, &[1, 1], &[value])).unwrap();
        }
        let whole = stream.len();
        let read = |bytes: &[u8]| {
            let mut from = bytes;
            let mut found = Vec::new();
            while let Some(picture) = next_of_stream(&mut from)? {
                found.extend(picture.bytes);
            }
            Ok::<_, Failure>(found)
        };
        assert_eq!(read(&stream).unwrap(), [1, 2]);
        for len in (1..whole).filter(|len| *len != whole / 2) {
            assert_eq!(read(&stream[..len]).unwrap_err().exit(), Exit::Corrupt, "cut to {len}");
        }
        // A chunk that claims more than there is.
        stream[8] = 0xff;
        assert_eq!(read(&stream).unwrap_err().exit(), Exit::Corrupt);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let no_picture = |dtype: DType, shape: &[usize]| {
            let bytes = vec![0; byte_len(dtype, shape).unwrap()];
            write(&mut Vec::new(), ArrayRef::new(dtype, shape, &bytes)).unwrap_err().exit()
        };
        for (dtype, shape) in [
            (DType::F32, &[2, 2][..]),
            (DType::U8, &[2]),
            (DType::U8, &[2, 2, 5]),
            (DType::U8, &[0, 2]),
            (DType::U8, &[2, 2, 0]),
            (DType::Bool, &[2, 2, 3]),
        ] {
            assert_eq!(no_picture(dtype, shape), Exit::Usage, "{dtype} {shape:?}");
        }
    }

    #[test]
    fn what_is_cut_is_refused() {
        let mut file = Vec::new();
        write(&mut file, ArrayRef::new(DType::U8, &[2, 2], &[1, 2, 3, 4])).unwrap();
        // The last bytes are an end mark, which a reader can do without.
        for len in 0..file.len() - 20 {
            assert!(read(Cursor::new(&file[..len])).is_err(), "cut to {len}");
        }
    }
}
