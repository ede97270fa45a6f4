//! The page in Chromium, by its DevTools protocol.

use super::client::{Got, Page, Socket};
use crate::support::{TIMEOUT, TestDir, wait_until};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A browser with one page; killed and reaped when dropped.
struct Browser {
    process: Child,
    devtools: Socket,
    session: Option<String>,
    calls: u64,
    /// What scripts threw, and what the browser's log calls errors.
    failures: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let process = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--remote-debugging-port=0", "--window-size=1280,900"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A port and a path, in two lines.
        let file = profile.path().join("DevToolsActivePort");
        let mut found = String::new();
        wait_until("the browser listens", || {
            found = std::fs::read_to_string(&file).unwrap_or_default();
            found.lines().count() == 2
        });
        let (port, path) = found.trim().split_once('\n').unwrap();
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let devtools = Socket::open(stream, &format!("127.0.0.1:{port}"), path);
        let mut browser = Self { process, devtools, session: None, calls: 0, failures: Vec::new(), _profile: profile };
        let targets = browser.call("Target.getTargets", &json!({}));
        let pages = targets["targetInfos"].as_array().unwrap();
        let page = pages.iter().find(|target| target["type"] == "page").unwrap()["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": page, "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        browser
    }

    /// Calls a method, and waits for its result.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.devtools.say(&call.to_string());
        loop {
            match self.devtools.next() {
                Got::Text(answer) if answer["id"] == self.calls => {
                    assert_eq!(answer["error"], Value::Null, "{method}");
                    return answer["result"].clone();
                }
                Got::Text(event) => {
                    let is_error = event["params"]["entry"]["level"] == "error";
                    if is_error || event["method"] == "Runtime.exceptionThrown" {
                        self.failures.push(event);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Computes an expression in the page.
    fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    fn wait(&mut self, expression: &str) {
        wait_until(expression, || self.eval(expression) == true);
    }

    /// The text of an element.
    fn text(&mut self, element: &str) -> String {
        self.eval(&format!("document.querySelector({element:?}).textContent")).as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The colour of a pixel of the picture on display.
fn pixel(x: usize, y: usize) -> String {
    format!("[...document.querySelector('.stage canvas').getContext('2d').getImageData({x}, {y}, 1, 1).data].join()")
}

#[test]
#[ignore = "needs Chromium; the nightly stage cli installs it"]
fn a_channel_appears_is_drawn_read_paused_and_dies() {
    let dir = TestDir::new();
    let page = Page::open(&dir, &["--token"]);
    let mut browser = Browser::start();
    browser.call("Log.enable", &json!({}));
    browser.call("Runtime.enable", &json!({}));
    browser.call("Page.navigate", &json!({"url": page.address}));
    // The token has gone from the address into a cookie.
    browser.wait("document.querySelector('#link')?.textContent === 'connected' && !location.search");
    browser.wait("document.querySelector('#welcome-title').textContent === 'No channels yet'");

    let mut writer = dir.options().create::<u8>("camera").unwrap();
    writer.write_with(&[2, 2, 3], &[10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3], b"{\"frame\": 7}").unwrap();
    browser.wait("!(document.querySelector('.stage canvas')?.hidden ?? true)");
    browser.wait(&format!("{} === '40,50,60,255'", pixel(1, 0)));
    browser.wait("document.querySelector('.more pre').textContent.includes('\"frame\": 7')");
    // The numbers at the cross-hairs, which arrow keys move.
    let press = |key: &str| {
        format!(
            "document.querySelector('.stage canvas').dispatchEvent(new KeyboardEvent('keydown', {{key: {key:?}, bubbles: true}}))"
        )
    };
    browser.eval(&press("ArrowUp"));
    browser.wait("document.querySelector('.readout output').textContent === '[40 50 60]'");
    assert_eq!(browser.text(".readout .at"), "[0, 1, :]");

    // A page that has paused shows what it showed, and goes on with the latest.
    browser.eval("document.querySelector('.actions button').click()");
    browser.wait("document.querySelector('.badge').textContent === 'paused'");
    for value in 100..=120 {
        writer.write(&[2, 2, 3], &[value; 12]).unwrap();
    }
    assert_eq!(browser.eval(&pixel(1, 0)), "40,50,60,255");
    // Another size has the value on display sent again, beside those that wait.
    browser.eval(
        "document.querySelector('.stage').style.height = '300px'; document.querySelector('.stage canvas').height = 1",
    );
    browser.wait("document.querySelector('.stage canvas').height === 2");
    assert_eq!(browser.eval(&pixel(1, 0)), "40,50,60,255");
    browser.eval("document.querySelector('.actions button').click()");
    browser.wait(&format!("{} === '120,120,120,255'", pixel(1, 0)));

    // One number a pixel has the colours of a scale: the ends of viridis.
    let mut map = dir.options().create::<f32>("map").unwrap();
    map.write(&[2, 2], &[-1.0, 0.0, 0.5, 3.0]).unwrap();
    browser.wait("document.querySelectorAll('.row').length === 2");
    browser
        .eval("[...document.querySelectorAll('.row > button')].find((row) => row.textContent.includes('map')).click()");
    browser.wait(&format!(
        "document.querySelector('.pane h2').textContent === 'map' && {} === '68,1,84,255'",
        pixel(0, 0)
    ));
    assert_eq!(browser.eval(&pixel(1, 1)), "253,231,37,255");

    // Its writer closes it, and its name vanishes from the list.
    drop(map);
    browser.wait("document.querySelectorAll('.row').length === 1 && !document.querySelector('.notice').hidden");
    let shown = browser.eval("document.documentElement.scrollWidth <= innerWidth");
    assert_eq!(shown, true, "the page is as wide as the window");
    let other = browser
        .eval("performance.getEntriesByType('resource').filter((one) => !one.name.startsWith(location.origin)).length");
    assert_eq!(other, 0, "nothing comes from elsewhere");
    assert!(browser.failures.is_empty(), "scripts and the page's policy: {:?}", browser.failures);
}
