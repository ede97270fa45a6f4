//! Which requests are let in.
//!
//! A page of another host must not read what this one shows. A browser says where a request comes
//! from (`Origin`, `Sec-Fetch-Site`) and for which host it is meant (`Host`). A name that its owner
//! points at this machine (DNS rebinding) is no address and not `localhost`, so it is refused.

use super::http::{Refusal, Request};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Knows the names of this server, and its token.
pub(super) struct Guard {
    /// Names beside addresses and `localhost`.
    names: Vec<String>,
    token: Option<String>,
    cookie: String,
}

/// What a request gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Welcome,
    /// The token stood in the address, and goes into a cookie: these are the headers.
    Cookie(String),
}

impl Guard {
    pub(super) fn new(address: SocketAddr, names: &[String], token: Option<String>) -> Self {
        Self { names: names.to_vec(), token, cookie: format!("ndsh-{}", address.port()) }
    }

    /// Lets a request in, or says why not.
    pub(super) fn check(&self, request: &Request) -> Result<Entry, Refusal> {
        let host = request.header("host").unwrap_or_default();
        if !self.is_own(host) {
            let text = format!("{host:?} is no name of this page: take its address, localhost, or name it by --host");
            return Err(Refusal::new("421 Misdirected Request", text));
        }
        if let Some(origin) = request.header("origin") {
            let own = |scheme| origin.strip_prefix(scheme).is_some_and(|from: &str| from.eq_ignore_ascii_case(host));
            // A server before this one may have taken off the encryption.
            if !own("http://") && !own("https://") {
                return Err(Refusal::new("403 Forbidden", "the request comes from a page of another origin"));
            }
        }
        match request.header("sec-fetch-site") {
            None | Some("none" | "same-origin") => {}
            // A link may lead here, but nothing else.
            Some(_) if request.path == "/" && request.header("sec-fetch-mode") == Some("navigate") => {}
            Some(_) => return Err(Refusal::new("403 Forbidden", "the request comes from a page of another site")),
        }
        let Some(token) = &self.token else { return Ok(Entry::Welcome) };
        let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let in_address = request.query.get("token").map(String::as_str);
        if [request.cookie(&self.cookie), bearer].into_iter().flatten().any(|given| is_same(given, token)) {
            return Ok(Entry::Welcome);
        }
        if in_address.is_some_and(|given| is_same(given, token)) {
            return Ok(Entry::Cookie(format!(
                "Set-Cookie: {}={token}; Path=/; HttpOnly; SameSite=Strict\r\nLocation: /\r\n",
                self.cookie
            )));
        }
        Err(Refusal::new("401 Unauthorized", "open the address that `ndsh web` has printed, with its token"))
    }

    /// Whether a host, with or without a port, is this machine whatever a name server says.
    fn is_own(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => {
                let Some((address, port)) = rest.split_once(']') else { return false };
                return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port));
            }
            None => match host.split_once(':') {
                Some((name, _)) if !is_port(host.get(name.len()..).unwrap_or_default()) => return false,
                Some((name, _)) => name,
                None => host,
            },
        };
        name.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Whether this is a colon and a port.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

/// Compares in a time that does not depend on where they differ.
fn is_same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, headers: &str) -> Request {
        let text = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
        Request::read(&mut text.as_bytes()).unwrap().0
    }

    fn guard(token: Option<&str>) -> Guard {
        let address = "127.0.0.1:6374".parse().unwrap();
        Guard::new(address, &["robot.example".to_owned()], token.map(str::to_owned))
    }

    fn status(guard: &Guard, path: &str, headers: &str) -> String {
        match guard.check(&request(path, headers)) {
            Ok(Entry::Welcome) => "welcome".to_owned(),
            Ok(Entry::Cookie(headers)) => headers,
            Err(refusal) => refusal.status.get(..3).unwrap().to_owned(),
        }
    }

    #[test]
    fn hosts_are_addresses_or_named() {
        for own in
            ["127.0.0.1:6374", "localhost:6374", "LOCALHOST", "[::1]:6374", "[::1]", "10.0.0.7:80", "robot.example"]
        {
            assert_eq!(status(&guard(None), "/", &format!("Host: {own}\r\n")), "welcome", "{own}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example:6374",
            "localhost.evil.example",
            "127.0.0.1.evil",
            "[::1",
            "[x]:1",
            "::1:1",
            "localhost:x",
            "localhost:1:2",
        ] {
            assert_eq!(status(&guard(None), "/", &format!("Host: {other}\r\n")), "421", "{other}");
        }
        assert_eq!(status(&guard(None), "/", ""), "421");
    }

    #[test]
    fn other_origins_are_refused() {
        let host = "Host: localhost:6374\r\n";
        let with = |header: &str| status(&guard(None), "/view", &format!("{host}{header}\r\n"));
        assert_eq!(with("Origin: http://localhost:6374"), "welcome");
        for origin in
            ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:6374", "localhost:6374", ""]
        {
            assert_eq!(with(&format!("Origin: {origin}")), "403", "{origin}");
        }
        assert_eq!(with("Sec-Fetch-Site: same-origin"), "welcome");
        for site in ["cross-site", "same-site", "odd"] {
            assert_eq!(with(&format!("Sec-Fetch-Site: {site}")), "403", "{site}");
            let navigation = format!("{host}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: navigate\r\n");
            assert_eq!(status(&guard(None), "/", &navigation), "welcome", "{site}");
            assert_eq!(status(&guard(None), "/view", &navigation), "403", "{site}");
        }
    }

    #[test]
    fn a_token_moves_into_a_cookie() {
        let host = "Host: 10.0.0.7:6374\r\n";
        let with = |path: &str, header: &str| status(&guard(Some("s3cret")), path, &format!("{host}{header}"));
        assert_eq!(with("/", ""), "401");
        assert_eq!(with("/?token=s3cres", ""), "401");
        assert_eq!(with("/?token=s3cre", ""), "401");
        assert_eq!(with("/", "Cookie: ndsh-6375=s3cret\r\n"), "401");
        assert_eq!(with("/", "Cookie: a=b; ndsh-6374=s3cret\r\n"), "welcome");
        assert_eq!(with("/", "Authorization: Bearer s3cret\r\n"), "welcome");
        let headers = with("/?token=s3cret", "");
        assert!(headers.contains("ndsh-6374=s3cret; Path=/; HttpOnly; SameSite=Strict"), "{headers}");
    }
}
