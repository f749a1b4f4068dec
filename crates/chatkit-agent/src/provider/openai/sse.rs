//! Reads server-sent events (WHATWG HTML, "Server-sent events") from bytes as they arrive.
//!
//! The reader tolerates the known mistakes of model servers. Its time is linear in the bytes, and
//! its memory is limited.

/// The maximum size of an event, in bytes.
pub(super) const MAX_EVENT_BYTES: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event with data. Events without data are heartbeats and are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The name from its `event:` line. It is `error` for data in an `error:` field, and may be
    /// empty.
    pub(super) name: String,
    /// The data lines, joined by line feeds, without surrounding whitespace.
    pub(super) data: Vec<u8>,
}

/// The error for an event that is larger than [`MAX_EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the answer is larger than 1 MiB")]
pub(super) struct EventTooLarge;

/// Splits bytes into events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    is_past_start: bool,
    /// Whether the last line ended with CR. A following LF belongs to it.
    ended_by_cr: bool,
}

impl EventReader {
    /// Reads more bytes, and appends the events that they complete.
    ///
    /// # Errors
    /// [`EventTooLarge`]. Nothing can be read after an error.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), EventTooLarge> {
        if std::mem::take(&mut self.ended_by_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&bytes[..end])?;
            self.end_line(events);
            let is_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if is_cr {
                self.ended_by_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.extend_line(bytes)
    }

    /// Appends the last event if no empty line ended it.
    pub(super) fn end(&mut self, events: &mut Vec<Event>) {
        self.end_line(events);
        self.dispatch(events);
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.line.len() + bytes.len() + self.event.data.len() > MAX_EVENT_BYTES {
            return Err(EventTooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let buffer = std::mem::take(&mut self.line);
        let mut line = buffer.as_slice();
        if !std::mem::replace(&mut self.is_past_start, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(events);
        } else {
            self.read_field(line);
        }
        // Reuses the allocation for the next line.
        self.line = buffer;
        self.line.clear();
    }

    fn read_field(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            // This is not in the specification: llama.cpp sends errors in a field of their own.
            b"data" | b"error" => {
                if field == b"error" {
                    "error".clone_into(&mut self.event.name);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.name = String::from_utf8_lossy(value).into_owned(),
            // Ignore comments, `id`, `retry`, and unknown fields.
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        self.has_data = false;
        let mut event = std::mem::take(&mut self.event);
        event.data.truncate(event.data.trim_ascii_end().len());
        let blank = event.data.len() - event.data.trim_ascii_start().len();
        event.data.drain(..blank);
        if !event.data.is_empty() {
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the data of the events. Reads the bytes at once and one by one.
    fn check(bytes: &[u8], expected: &[&str]) {
        for size in [bytes.len().max(1), 1, 3] {
            let (mut reader, mut events) = (EventReader::default(), Vec::new());
            for piece in bytes.chunks(size) {
                reader.read(piece, &mut events).unwrap();
            }
            reader.end(&mut events);
            let data: Vec<_> = events
                .iter()
                .map(|event| String::from_utf8_lossy(&event.data))
                .collect();
            assert_eq!(data, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn lines_end_with_lf_cr_or_both() {
        check(
            b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d",
            &["a", "b", "c", "d"],
        );
        check(b"data: a\r\ndata: b\r\n\r\n", &["a\nb"]);
        check(b"\n\n\r\r\n", &[]);
    }

    #[test]
    fn malformed_lines_are_tolerated() {
        check(b"\xef\xbb\xbfdata: a\n\n", &["a"]);
        check(b"data:a\n\ndata:  b \t\n\n", &["a", "b"]);
        check(
            b": comment\n\ndata:\n\nevent: ping\ndata: \n\ndata\n\n",
            &[],
        );
        check(b"id: 1\nretry: 2\nnonsense\nevent: x\ndata: a\n\n", &["a"]);
    }

    #[test]
    fn the_name_of_an_event_is_read() {
        let (mut reader, mut events) = (EventReader::default(), Vec::new());
        reader
            .read(b"event: x\ndata: a\n\ndata: b\n\n", &mut events)
            .unwrap();
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["x", ""]);
    }

    #[test]
    fn the_size_of_an_event_is_limited_across_reads() {
        let line = vec![b'x'; MAX_EVENT_BYTES];
        let (mut reader, mut events) = (EventReader::default(), Vec::new());
        assert_eq!(reader.read(b"data: ", &mut events), Ok(()));
        assert_eq!(reader.read(&line, &mut events), Err(EventTooLarge));
        let mut reader = EventReader::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1000], b"\n"].concat();
        let mut reads = (0..2000).map(|_| reader.read(&line, &mut events));
        assert!(reads.any(|read| read == Err(EventTooLarge)));
    }
}
