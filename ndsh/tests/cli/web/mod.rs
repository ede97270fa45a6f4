//! `web`: what browsers get, and what they do not.

mod browser;
mod client;

use crate::support::{TestDir, wait_until};
use client::{Got, Page, UPGRADE};
use ndsharray::MAX_ATTRIBUTES;
use std::net::TcpListener;

#[test]
fn the_page_comes_whole_from_the_program() {
    let dir = TestDir::new();
    let page = Page::open(&dir, &[]);
    assert_eq!(page.address, format!("http://127.0.0.1:{}/", page.port));
    let (status, head, body) = page.get("/", "");
    assert_eq!(status, 200);
    let policy = head.lines().find(|line| line.starts_with("Content-Security-Policy: ")).unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for header in ["X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "Cache-Control: no-store"] {
        assert!(head.contains(header), "{head}");
    }
    let html = String::from_utf8(body).unwrap();
    let named = html
        .split(['"', '\''])
        .filter(|word| word.ends_with(".js") || word.ends_with(".css") || word.ends_with(".svg"));
    let mut files: Vec<_> = named.map(str::to_owned).collect();
    let mut seen = vec![html];
    while let Some(file) = files.pop() {
        let (status, head, body) = page.get(&format!("/{}", file.trim_start_matches("./")), "");
        assert_eq!(status, 200, "{file}");
        let kind = if file.ends_with(".js") { "text/javascript" } else { "" };
        assert!(head.contains(&format!("Content-Type: {kind}")), "{file}: {head}");
        let text = String::from_utf8(body).unwrap();
        let imports = text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
        files.extend(imports.filter(|file| file.ends_with(".js") && !seen.contains(&text)));
        seen.push(text);
    }
    // Nothing that a browser would fetch from elsewhere. The address in a picture is a name alone.
    for text in seen {
        assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("://"), "{text}");
    }
    let (status, head, body) = page.get("/colormaps", "");
    assert_eq!((status, body.len()), (200, 9 * 256 * 3), "{head}");
    let head = page.raw(format!("HEAD / HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", page.port).as_bytes());
    assert!(head.starts_with(b"HTTP/1.1 200 ") && head.ends_with(b"\r\n\r\n"));
    assert_eq!(page.status("/etc/passwd", ""), 404);
    assert_eq!(page.status("/../ndsh", ""), 404);
}

#[test]
fn other_hosts_and_pages_are_refused() {
    let dir = TestDir::new();
    dir.put_value();
    let page = Page::open(&dir, &["--host", "robot.example", "f*"]);
    let own = format!("127.0.0.1:{}", page.port);
    for path in ["/", "/list", "/view?kind=channel&name=from"] {
        assert_eq!(page.status(path, &format!("Host: evil.example\r\n{UPGRADE}")), 421, "{path}");
        assert_eq!(
            page.status(path, &format!("Host: {own}\r\nOrigin: http://evil.example\r\n{UPGRADE}")),
            403,
            "{path}"
        );
    }
    assert_eq!(page.status("/", "Host: robot.example\r\n"), 200);
    assert_eq!(page.status("/app.js", &format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\n")), 403);
    for (path, status) in [
        ("/view?kind=channel&name=from", 426),
        ("/list", 426),
        ("/view?kind=odd&name=from", 400),
        ("/view?name=from", 400),
        ("/view?kind=channel&name=other", 404),
    ] {
        assert_eq!(page.status(path, ""), status, "{path}");
    }
    assert_eq!(page.status("/list", &UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")), 400);
    assert_eq!(page.status("/list", &UPGRADE.replace("13", "12")), 426);
    let status =
        |request: &[u8]| page.raw(request).get(9..12).map(|digits| String::from_utf8_lossy(digits).into_owned());
    assert_eq!(status(b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n").as_deref(), Some("405"));
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").as_deref(), Some("400"));
    assert_eq!(status(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").as_deref(), Some("400"));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    assert!(matches!(status(long.as_bytes()).as_deref(), Some("431") | None));
    assert_eq!(status(b""), None);
    assert_eq!(page.status("/", ""), 200);
}

#[test]
fn a_token_is_asked_for() {
    let dir = TestDir::new();
    let page = Page::open(&dir, &["--token"]);
    let token = page.address.split("?token=").nth(1).unwrap();
    assert_eq!(token.len(), 32);
    let cookie = |token: &str| format!("Cookie: ndsh-{}={token}\r\n", page.port);
    for path in ["/", "/app.js", "/list", "/?token=00000000000000000000000000000000"] {
        assert_eq!(page.status(path, UPGRADE), 401, "{path}");
        assert_eq!(page.status(path, &format!("{}{UPGRADE}", cookie("0"))), 401, "{path}");
    }
    let (status, head, _) = page.get(&format!("/?token={token}"), "");
    assert_eq!(status, 303);
    assert!(head.contains("HttpOnly; SameSite=Strict") && head.ends_with("\r\nLocation: /"), "{head}");
    assert_eq!(page.status("/", &cookie(token)), 200);
    // Without a connection that stays: the answer is that it could begin.
    assert_eq!(page.status("/list", &cookie(token)), 426);
    assert_eq!(page.status("/", &format!("Authorization: Bearer {token}\r\n")), 200);
}

#[test]
fn addresses_are_taken_or_refused() {
    let dir = TestDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = dir.run(&["web", "--listen", &address]);
    assert!(ran.code == 5 && ran.stderr.contains(&address) && ran.stderr.contains("--listen"), "{ran:?}");
    assert_eq!(dir.run(&["web", "--listen", "example.com:80"]).code, 2);
    assert_eq!(dir.run(&["web", "--dir", "/nowhere/at/all", "--listen", "127.0.0.1:0"]).code, 3);
    // Any other address than loopback has a token without being asked.
    let mut all = dir.start(&["web", "--listen", "0.0.0.0:0"]);
    assert!(all.line().contains("/?token="));
    all.interrupt();
    let ended = all.end();
    assert!(ended.code == 0 && ended.stderr.contains("encrypted"), "{ended:?}");
}

#[test]
fn values_figures_numbers_and_files() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("picture").unwrap();
    let bytes: Vec<u8> = (0..24).collect();
    writer.write_with(&[2, 4, 3], &bytes, br#"{"frame": 7}"#).unwrap();
    let page = Page::open(&dir, &[]);
    let mut view = page.view("picture");
    let (head, payload) = view.picture();
    assert_eq!(payload, bytes);
    assert_eq!((&head["value"]["dtype"], &head["value"]["seq"]), (&"uint8".into(), &1.into()), "{head}");
    let drawing = &head["drawing"];
    assert_eq!((&drawing["kind"], &drawing["format"]), (&"picture".into(), &"u8".into()), "{head}");
    assert_eq!([&drawing["width"], &drawing["height"], &drawing["colours"]], [4, 2, 3], "{head}");
    let figures = &head["figures"];
    assert_eq!([&figures["min"], &figures["max"], &figures["mean"]], [0.0, 23.0, 11.5], "{head}");
    assert_eq!(head["value"]["attributes"]["form"], "JSON");
    assert!(head["value"]["attributes"]["text"].as_str().unwrap().contains("\"frame\": 7"), "{head}");

    view.say(&format!("{{\"type\":\"probe\",\"n\":{},\"index\":[1,2,null]}}", head["n"]));
    let answer = view.text(|text| text["type"] == "probe");
    assert_eq!(answer["text"], "[18 19 20]");
    view.say(&format!("{{\"type\":\"probe\",\"n\":{},\"index\":[9,9,9]}}", head["n"]));
    assert!(view.text(|text| text["type"] == "probe")["text"].as_str().unwrap().contains('9'));

    view.say(&format!("{{\"type\":\"save\",\"n\":{},\"format\":\"npy\"}}", head["n"]));
    let (saved, file) = view.picture();
    assert_eq!((&saved["type"], &saved["format"]), (&"file".into(), &"npy".into()));
    dir.ok(&["get", "picture", &dir.text_path("wanted.npy")]);
    assert_eq!(file, std::fs::read(dir.file("wanted.npy")).unwrap());
    view.say(&format!("{{\"type\":\"save\",\"n\":{},\"format\":\"png\"}}", head["n"]));
    let (_, file) = view.picture();
    dir.ok(&["view", "picture", "--png", &dir.text_path("wanted.png")]);
    assert_eq!(file, std::fs::read(dir.file("wanted.png")).unwrap());
    view.say(r#"{"type":"save","n":999,"format":"png"}"#);
    assert!(view.text(|text| text["type"] == "failed")["message"].as_str().unwrap().contains("display"));

    // A small screen gets fewer pixels, and one step of an axis.
    view.say(r#"{"type":"wish","index":null,"size":[2,1]}"#);
    let (head, payload) = view.picture();
    assert_eq!(
        ([&head["drawing"]["width"], &head["drawing"]["step"]], payload),
        ([2, 2].map(Into::into).each_ref(), [&bytes[..3], &bytes[6..9]].concat())
    );
    // Text attributes and those that are none; curves; texts.
    let mut signal = dir.options().create::<f32>("signal").unwrap();
    signal.write_with(&[3], &[0.5, -1.0, f32::NAN], &[0xff; MAX_ATTRIBUTES]).unwrap();
    let (head, payload) = page.view("signal").picture();
    assert_eq!(
        (&head["drawing"]["kind"], &head["value"]["attributes"]["form"]),
        (&"curves".into(), &"hex".into()),
        "{head}"
    );
    assert_eq!(payload[..16], [0.5_f64, -1.0].map(f64::to_le_bytes).concat());
    assert_eq!((head["figures"]["nan"].as_u64(), payload.len()), (Some(1), 24), "{head}");
    let mut scalar = dir.options().create::<f64>("scalar").unwrap();
    scalar.write(&[], &[21.5]).unwrap();
    let (head, payload) = page.view("scalar").picture();
    assert_eq!(
        (&head["drawing"]["kind"], &head["drawing"]["text"], payload.len()),
        (&"text".into(), &"21.5".into(), 0)
    );
    let mut empty = dir.options().create::<f64>("empty").unwrap();
    empty.write(&[0, 7], &[]).unwrap();
    assert_eq!(page.view("empty").picture().0["drawing"]["text"], "[]");
}

#[test]
fn a_slow_viewer_skips_and_holds_nothing() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u16>("fast").unwrap();
    let page = Page::open(&dir, &[]);
    let (mut slow, mut other) = (page.view("fast"), page.view("fast"));
    let mut last = None;
    for value in 1..=2_u16 {
        writer.write(&[2], &[value, value]).unwrap();
        let (head, _) = slow.picture();
        assert_eq!(head["value"]["seq"], value, "{head}");
        last = Some(head["n"].clone());
        // Both get the same copy of it.
        let (same, _) = other.picture();
        assert_eq!(same["n"], head["n"]);
        other.ack(&same["n"]);
    }
    for value in 3..=60_u16 {
        writer.write(&[2], &[value, value]).unwrap();
    }
    // One that keeps up gets the latest in the end, while the other one has drawn nothing.
    loop {
        let (head, _) = other.picture();
        other.ack(&head["n"]);
        if head["value"]["seq"] == 60 {
            break;
        }
    }
    wait_until("no slot is held", || dir.json(&["ls", "--json", "--interval=0"])[0]["pinned"] == 0);
    slow.ack(&last.unwrap());
    let (head, _) = slow.picture();
    assert_eq!(head["value"]["seq"], 60, "the latest, and none of those between: {head}");
}

#[test]
fn the_list_tells_what_there_is() {
    let dir = TestDir::new();
    dir.put_value();
    let page = Page::open(&dir, &[]);
    let mut list = page.socket("/list");
    let first = list.text(|list| list["channels"].as_array().is_some_and(|all| all.len() == 1));
    let line = &first["channels"][0];
    assert_eq!((&line["name"], &line["state"], &line["dtype"]), (&"from".into(), &"kept".into(), &"uint8".into()));
    assert_eq!(first["directory"], dir.path().to_str().unwrap());
    let mut writer = dir.options().create::<u8>("\u{202e}odd").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let line = |list: &serde_json::Value| {
        list["channels"].as_array()?.iter().find(|one| one["name"] == "\u{202e}odd").cloned()
    };
    let all = list.text(|list| line(list).is_some_and(|one| one["seq"] == 1));
    assert_eq!(line(&all).unwrap()["label"], "\\u{202e}odd");
    drop(writer);
    list.text(|list| list["type"] == "list" && line(list).is_none());
}

#[test]
fn channels_come_go_die_and_are_damaged() {
    let dir = TestDir::new();
    let page = Page::open(&dir, &[]);
    let state = |socket: &mut client::Socket, wanted: &str| {
        socket.text(|text| text["status"]["state"] == wanted);
    };
    let mut view = page.view("late");
    state(&mut view, "absent");
    let mut writer = dir.options().create::<u8>("late").unwrap();
    writer.write(&[3], &[1, 2, 3]).unwrap();
    let (head, _) = view.picture();
    view.ack(&head["n"]);
    drop(writer);
    state(&mut view, "closed");
    let mut writer = dir.options().create::<u8>("late").unwrap();
    writer.write(&[3], &[7, 8, 9]).unwrap();
    let (head, _) = view.picture();
    assert_eq!(head["value"]["shape"], serde_json::json!([3]));

    let mut process = dir.start(&["put", "dies", "--test-pattern", "8x4"]);
    let mut view = page.view("dies");
    let (head, _) = view.picture();
    view.ack(&head["n"]);
    process.kill();
    loop {
        match view.next() {
            Got::Text(text) if text["status"]["writer_alive"] == false => break,
            Got::Bytes(head, _) => view.ack(&head["n"]),
            Got::Text(_) => {}
            Got::Close(code) => panic!("closed with {code}"),
        }
    }

    std::fs::write(dir.file("damaged.ndsh"), [0x5a; 8192]).unwrap();
    let mut view = page.view("damaged");
    let text = view.text(|text| text["status"]["state"] == "broken");
    assert!(text["status"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    // A name that the library does not take.
    let mut view = page.view("a%2Fb%00");
    state(&mut view, "broken");
    let mut list = page.socket("/list");
    list.text(|list| {
        list["channels"].as_array().is_some_and(|all| all.iter().any(|one| one["problems"] != serde_json::json!([])))
    });
    assert_eq!(page.status("/", ""), 200);
}

#[test]
fn broken_frames_end_their_connection_alone() {
    let dir = TestDir::new();
    dir.put_value();
    let page = Page::open(&dir, &[]);
    let mut healthy = page.view("from");
    healthy.picture();
    for (first, payload, code) in [
        (0x81, &b"no json"[..], 1008),
        (0x81, b"{\"type\":\"ack\"}", 1008),
        (0x81, b"{\"type\":\"wish\",\"size\":[-1,2]}", 1008),
        (0x81, b"{\"type\":\"erase\",\"name\":\"from\"}", 1008),
        (0x81, &[b'a'; 5000], 1009),
        (0x82, b"bytes", 1003),
        (0x81, b"\xff\xfe", 1007),
        (0xf1, b"bits", 1002),
        (0x83, b"kind", 1002),
        (0x80, b"no beginning", 1002),
        (0x88, b"", 1000),
    ] {
        let mut socket = page.view("from");
        socket.frame(first, payload);
        assert_eq!(socket.close_code(), code, "{first:x} {payload:.20?}");
        assert!(socket.is_closed());
    }
    // Without a mask, and longer than memory.
    for (bytes, code) in [(&[0x81, 0x01, b'a'][..], 1002), (&[0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0], 1009)] {
        let mut socket = page.view("from");
        socket.raw(bytes);
        assert_eq!(socket.close_code(), code);
    }
    // Odd wishes are answered.
    let mut socket = page.view("from");
    for wish in [
        r#"{"type":"wish","index":[3],"layout":"chw","part":"phase","size":[0,0]}"#,
        r#"{"type":"wish","index":[99],"size":[18446744073709551615,18446744073709551615]}"#,
        r#"{"type":"wish","index":[null,null,7],"layout":"curves","size":[1,1]}"#,
    ] {
        socket.say(wish);
        socket.picture();
    }
    healthy.say(r#"{"type":"wish","index":null,"size":[1,1]}"#);
    healthy.picture();
}

#[test]
fn connections_have_a_limit() {
    let dir = TestDir::new();
    let page = Page::open(&dir, &[]);
    let mut silent: Vec<_> = (0..64).map(|_| page.silent()).collect();
    // One more gets an answer without a request; or the others have given up in the meantime.
    assert!(page.raw(b"").starts_with(b"HTTP/1.1 503 ") || page.status("/", "") == 200);
    silent.clear();
    wait_until("there is room again", || {
        page.raw(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n").starts_with(b"HTTP/1.1 200 ")
    });
}

#[test]
fn it_ends_with_ctrl_c_and_leaves_no_reader() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u8>("here").unwrap();
    writer.write(&[1], &[1]).unwrap();
    let page = Page::open(&dir, &[]);
    let mut view = page.view("here");
    view.picture();
    assert_eq!(writer.reader_count(), 1);
    page.process.interrupt();
    let ended = page.process.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(writer.reader_count(), 0);
}
