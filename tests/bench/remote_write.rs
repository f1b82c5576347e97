//! Series for a Prometheus, an hour at once: the body of a remote-write request, which is the one way to tell it what is
//! long past without waiting for it.
//!
//! By hand, since it is two pages of a format that does not change: the messages `WriteRequest`, `TimeSeries`, `Label` and
//! `Sample` in protobuf, inside a snappy block that compresses nothing.

/// One series: its labels, the name among them, in order; and its samples, oldest first, in milliseconds.
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) samples: Vec<(i64, f64)>,
}

/// The body of a request.
pub(crate) fn body(series: &[Series]) -> Vec<u8> {
    let mut request = Vec::new();
    for series in series {
        let mut message = Vec::new();
        for (name, value) in &series.labels {
            let mut label = Vec::new();
            bytes(&mut label, 1, name.as_bytes());
            bytes(&mut label, 2, value.as_bytes());
            bytes(&mut message, 1, &label);
        }
        for (at, value) in &series.samples {
            let mut sample = Vec::new();
            key(&mut sample, 1, 1);
            sample.extend(value.to_le_bytes());
            key(&mut sample, 2, 0);
            varint(&mut sample, at.cast_unsigned());
            bytes(&mut message, 2, &sample);
        }
        bytes(&mut request, 1, &message);
    }
    snappy(&request)
}

/// A field that holds bytes, behind their length.
fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    key(out, field, 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

fn key(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push(field << 3 | wire_type);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// One literal of a length in four bytes.
fn snappy(content: &[u8]) -> Vec<u8> {
    let last = u32::try_from(content.len() - 1).expect("a request of a few megabytes");
    let mut out = Vec::with_capacity(content.len() + 16);
    varint(&mut out, content.len() as u64);
    out.push(63 << 2);
    out.extend(last.to_le_bytes());
    out.extend(content);
    out
}
