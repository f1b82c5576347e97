//! A thin layer between serde and the YAML reader: it leaves out the entries that were already found faulty,
//! so that reading again finds the next fault. Apart from `walk`, because this part is only serde's plumbing.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};

use super::faults::one_of;
use super::walk::{Fault, Walk};
use crate::source::Segment;

/// Reads through `inner`, at the place where `walk` is.
pub(crate) struct Skipping<'w, D> {
    pub(crate) inner: D,
    pub(crate) walk: &'w Walk<'w>,
}

impl<'de, D: Deserializer<'de>> Skipping<'_, D> {
    fn read<V: Visitor<'de>>(
        self,
        visitor: V,
        is_text: bool,
        call: impl FnOnce(D, Watching<'_, V>) -> Result<V::Value, D::Error>,
    ) -> Result<V::Value, Fault> {
        let expected = (&visitor as &dyn Expected).to_string();
        let result = call(self.inner, Watching { visitor, walk: self.walk, is_text });
        self.walk.receive(result, &expected)
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*) $is_text:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Fault> {
            self.read(visitor, $is_text, |inner, watching| inner.$method($($name,)* watching))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Skipping<'_, D> {
    type Error = Fault;

    forward! {
        deserialize_any() false;
        deserialize_bool() false;
        deserialize_i8() false;
        deserialize_i16() false;
        deserialize_i32() false;
        deserialize_i64() false;
        deserialize_i128() false;
        deserialize_u8() false;
        deserialize_u16() false;
        deserialize_u32() false;
        deserialize_u64() false;
        deserialize_u128() false;
        deserialize_f32() false;
        deserialize_f64() false;
        deserialize_char() true;
        deserialize_str() true;
        deserialize_string() true;
        deserialize_bytes() false;
        deserialize_byte_buf() false;
        deserialize_option() false;
        deserialize_unit() false;
        deserialize_unit_struct(name: &'static str) false;
        deserialize_newtype_struct(name: &'static str) false;
        deserialize_seq() false;
        deserialize_tuple(len: usize) false;
        deserialize_tuple_struct(name: &'static str, len: usize) false;
        deserialize_map() false;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) false;
        deserialize_identifier() true;
        deserialize_ignored_any() false;
    }

    /// An enum is one of a few words here; enums with content do not occur in a config.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let word = String::deserialize(self).map_err(|fault| match fault {
            Fault::WrongType { .. } => Fault::WrongType { expected: one_of(known) },
            other => other,
        })?;
        visitor.visit_enum(word.into_deserializer())
    }
}

/// The type's visitor, called by the YAML reader.
struct Watching<'w, V> {
    visitor: V,
    walk: &'w Walk<'w>,
    /// The reader gives `null` as the text "null" where text is wanted; the user meant nothing.
    is_text: bool,
}

impl<V> Watching<'_, V> {
    fn check_text<E: de::Error>(&self, text: &str) -> Result<(), E> {
        let is_nothing = self.is_text && text.len() <= 4 && self.walk.is_nothing_here();
        self.walk.send(if is_nothing { Err(Fault::NoValue) } else { Ok(()) })
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty;)*) => {
        $(fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.walk.send(self.visitor.$method(value))
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watching<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit! {
        visit_bool: bool;
        visit_i64: i64;
        visit_i128: i128;
        visit_u64: u64;
        visit_u128: u128;
        visit_f64: f64;
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        self.check_text(text)?;
        self.walk.send(self.visitor.visit_str(text))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.check_text(text)?;
        self.walk.send(self.visitor.visit_borrowed_str(text))
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.walk.send(self.visitor.visit_none())
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.walk.send(self.visitor.visit_unit())
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.walk.send(self.visitor.visit_some(Skipping { inner, walk: self.walk }))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.walk.send(self.visitor.visit_newtype_struct(Skipping { inner, walk: self.walk }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let (walk, depth) = (self.walk, self.walk.depth());
        let items = Items { inner, walk, depth, next: 0 };
        walk.send(self.visitor.visit_seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let (walk, depth) = (self.walk, self.walk.depth());
        let entries = Entries { inner, walk, depth, seen: BTreeSet::new() };
        walk.send(self.visitor.visit_map(entries))
    }
}

/// Reads one value of a list or map.
struct Value<'w, S> {
    seed: S,
    walk: &'w Walk<'w>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Value<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.walk.send(self.seed.deserialize(Skipping { inner, walk: self.walk }))
    }
}

struct Items<'w, A> {
    inner: A,
    walk: &'w Walk<'w>,
    depth: usize,
    next: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        loop {
            self.walk.enter(self.depth, Segment::Item(self.next));
            self.next += 1;
            if self.walk.skips_here() {
                let skipped = self.inner.next_element::<IgnoredAny>();
                if self.walk.receive(skipped, "")?.is_some() {
                    continue;
                }
                self.walk.leave_to(self.depth);
                return Ok(None);
            }
            let item = self.inner.next_element_seed(Value { seed, walk: self.walk });
            let item = self.walk.receive(item, "")?;
            self.walk.leave_to(self.depth);
            return Ok(item);
        }
    }
}

struct Entries<'w, A> {
    inner: A,
    walk: &'w Walk<'w>,
    depth: usize,
    /// The index has reported what is written twice; here the first one counts.
    seen: BTreeSet<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let mut seed = Some(seed);
        loop {
            self.walk.leave_to(self.depth);
            let key = Key { seed: &mut seed, walk: self.walk, seen: &mut self.seen, depth: self.depth };
            let key = self.inner.next_key_seed(key);
            match self.walk.receive(key, "text")? {
                None => return Ok(None),
                Some(Some(key)) => return Ok(Some(key)),
                Some(None) => {
                    let skipped = self.inner.next_value::<IgnoredAny>();
                    self.walk.receive(skipped, "")?;
                }
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let value = self.inner.next_value_seed(Value { seed, walk: self.walk });
        let value = self.walk.receive(value, "")?;
        self.walk.leave_to(self.depth);
        Ok(value)
    }
}

/// Reads one key, and enters it; `None` if its entry is to be left out.
struct Key<'k, 'w, S> {
    seed: &'k mut Option<S>,
    walk: &'w Walk<'w>,
    seen: &'k mut BTreeSet<String>,
    depth: usize,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, '_, S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<Option<S::Value>, D::Error> {
        let text = String::deserialize(inner)?;
        self.walk.enter(self.depth, Segment::Key(text.clone()));
        if self.walk.skips_here() || self.seen.contains(&text) {
            return Ok(None);
        }
        self.walk.set_in_key(true);
        let seed = self.seed.take().expect("a map asks for the next key once");
        let key = self.walk.send(seed.deserialize(StrDeserializer::<Fault>::new(&text)))?;
        self.walk.set_in_key(false);
        self.seen.insert(text);
        Ok(Some(key))
    }
}
