//! `examples/tls.json5` as it is, with certificates made here: bridges without them stay outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use ndsharray::Options;
use ndsharray_link::bridge::{Bridge, Settings};
use ndsharray_link::carrier::zenoh::{Zenoh, ZenohSettings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A certificate authority, and a certificate of it for this machine.
fn certificates(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(dir.join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(dir.join("users.txt"), "desk:not this one\n").unwrap();
}

/// The example's text, with the files of `dir`.
fn config(dir: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tls.json5")).unwrap();
    let path = dir.join("tls.json5");
    fs::write(&path, change(text.replace("/etc/ndsh-bridge", dir.to_str().unwrap()))).unwrap();
    path
}

fn bridge(id: &str, channels: &Path, config: PathBuf, listen: &[String], connect: &[String]) -> Bridge {
    let zenoh = Zenoh::new(&ZenohSettings {
        config: Some(config),
        listen: listen.to_vec(),
        connect: connect.to_vec(),
        namespace: "tls".into(),
        max_bytes: 1 << 20,
        ..ZenohSettings::default()
    });
    Bridge::start(Settings::new(id, Options::new().dir(channels)), Arc::new(zenoh.unwrap())).unwrap()
}

#[test]
fn bridges_with_certificate_and_password_meet_and_others_stay_outside() {
    let dir = tempfile::tempdir().unwrap();
    let (good, strange) = (dir.path().join("good"), dir.path().join("strange"));
    certificates(&good);
    certificates(&strange);
    let rooms = ["robot", "desk", "stranger", "guesser"].map(|name| dir.path().join(name));
    rooms.iter().for_each(|room| fs::create_dir(room).unwrap());
    let ports = std::iter::repeat_with(|| 20_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 12_000).unwrap());
    let port = ports.take(1000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap();
    let endpoint = [format!("tls/localhost:{port}")];
    let [robot, desk, stranger, guesser] = &rooms;
    let mut writer = Options::new().dir(robot).create::<u8>("camera").unwrap();
    writer.write(&[3], &[1, 2, 3]).unwrap();

    let _robot = bridge("robot", robot, config(&good, |text| text), &endpoint, &[]);
    let stranger = bridge("stranger", stranger, config(&strange, |text| text), &[], &endpoint);
    let wrong = dir.path().join("wrong");
    fs::create_dir(&wrong).unwrap();
    for name in ["ca.pem", "cert.pem", "key.pem", "users.txt"] {
        fs::copy(good.join(name), wrong.join(name)).unwrap();
    }
    let guess = |text: String| text.replace("not this one", "a guess");
    let guesser = bridge("guesser", guesser, config(&wrong, guess), &[], &endpoint);
    let _desk = bridge("desk", desk, config(&good, |text| text), &[], &endpoint);

    let mut reader = Options::new().dir(desk).open_timeout("robot.camera", TIMEOUT).unwrap();
    let sample = reader.wait(TIMEOUT).unwrap().expect("a value");
    assert_eq!(sample.as_bytes(), [1, 2, 3]);
    // By then the other two have tried at least as often.
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        assert!(stranger.report().hosts.is_empty() && guesser.report().hosts.is_empty());
        std::thread::sleep(Duration::from_millis(100));
    }
}
