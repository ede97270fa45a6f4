//! A writer and a reader that do as they are told.

use crate::common::{NAME, Named, listen, say, shape_of, value};
use ndsharray::{Options, OwnedSample, ShElement, Writer};

/// Publishes the value called `id`, and says so before and afterwards.
pub(super) fn put<T: ShElement>(writer: &mut Writer<T>, id: u64) {
    let elements: Vec<T> = value(id).into_iter().map(element).collect();
    say(format!("try {id}"));
    let seq = writer.write(&shape_of(id), &elements).unwrap();
    say(format!("done {id} {seq}"));
}

/// A word as an element of eight bytes.
fn element<T: ShElement>(word: u64) -> T {
    assert_eq!(size_of::<T>(), 8);
    // SAFETY: T has eight bytes and, as an element of eight bytes, takes any.
    unsafe { std::mem::transmute_copy(&word) }
}

/// A writer that does as it is told.
pub(super) fn obey(options: &Options) {
    let mut writer = options.create::<u64>(NAME).unwrap();
    say("open");
    while let Some(command) = listen() {
        match *command.split(' ').collect::<Vec<_>>().as_slice() {
            ["write", id] => put(&mut writer, id.parse().unwrap()),
            _ => panic!("{command}"),
        }
    }
    say("closing");
}

/// A reader that holds what it is told to hold.
pub(super) fn hold(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    say("open");
    let mut held: Vec<OwnedSample> = Vec::new();
    while let Some(command) = listen() {
        match command.as_str() {
            "hold" => {
                held.push(reader.latest_owned().unwrap().unwrap());
                say(format!("holds {}", held.last().unwrap().name()));
            }
            // As a borrowed sample, until the end.
            "borrow" => {
                let sample = reader.latest().unwrap().unwrap();
                say(format!("holds {}", sample.name()));
                while let Some(command) = listen() {
                    assert_eq!(command, "check");
                    say(sample.name());
                }
                return;
            }
            "check" => {
                let names: Vec<String> = held.iter().map(|sample| sample.name().to_string()).collect();
                say(names.join(" "));
            }
            "release" => {
                held.clear();
                say("released");
            }
            _ => panic!("{command}"),
        }
    }
}
