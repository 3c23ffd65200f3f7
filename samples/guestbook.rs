//! A guest book over HTTP, kept in memory alone: what was entered is there after a suspend, and gone
//! after going back to an older checkpoint. Its listening socket is descriptor 3.
//!
//!   curl -d 'Ada was here' http://127.0.0.1:8080/      enters a line
//!   curl http://127.0.0.1:8080/                        shows the book

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::os::wasi::io::FromRawFd;

const LISTENER: i32 = 3;
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

struct Request {
    method: String,
    body: String,
}

fn read_request(stream: &TcpStream) -> Result<Request> {
    let mut reader = BufReader::new(stream.take(REQUEST_BYTES_MAX));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let method = line.split(' ').next().unwrap_or_default().to_owned();

    let mut body_bytes = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the request ended in its headers"));
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                body_bytes = value.trim().parse().unwrap_or(0);
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    reader.take(body_bytes).read_to_end(&mut body)?;
    Ok(Request { method, body: String::from_utf8_lossy(&body).into_owned() })
}

/// The status line's end and the text of the answer.
fn answer(request: &Request, book: &mut Vec<String>) -> (&'static str, String) {
    match request.method.as_str() {
        "GET" => {}
        "POST" => {
            book.push(request.body.lines().collect::<Vec<_>>().join(" "));
            println!("entry {}: {}", book.len(), book[book.len() - 1]);
        }
        _ => return ("405 Method Not Allowed", "GET shows the book, POST enters a line\n".into()),
    }
    let mut page = format!("entries: {}\n", book.len());
    for (i, entry) in book.iter().enumerate() {
        page += &format!("{:4}  {}\n", i + 1, entry);
    }
    ("200 OK", page)
}

fn serve(mut stream: TcpStream, book: &mut Vec<String>) -> Result<()> {
    let request = read_request(&stream)?;
    let (status, page) = answer(&request, book);
    let length = page.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{page}"
    )
}

fn main() -> Result<()> {
    // Descriptor 3 is the first that `vm run --tcp-listen` gives, and nobody else owns it.
    let listener = unsafe { TcpListener::from_raw_fd(LISTENER) };
    let mut book = Vec::new();
    println!("the book is open");
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = serve(stream, &mut book) {
            println!("a connection broke off: {error}");
        }
    }
}
