//! Classes of signs that a pattern asks for by name: `\\p{Greek}`. What surely has no such name is told; a script that is younger
//! than the list is not.

use crate::diagnostics::is_misspelt;

/// The scripts of Unicode.
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Beria_Erfe \
    Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham \
    Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru \
    Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek \
    Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana \
    Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana \
    Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu \
    Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi \
    Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani \
    Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki \
    Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian \
    Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician \
    Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sidetic SignWriting Sinhala \
    Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet \
    Tai_Yo Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Tolong_Siki Toto \
    Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

/// The categories of Unicode, short and long, and what Go has beside them.
const CATEGORIES: &str = "any ascii assigned c cc cf cn co cs l lc ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s \
    sc sk sm so z zl zp zs";

/// Properties that other dialects know by name, and RE2 does not.
const OF_OTHERS: &str = "alnum alpha alphabetic blank emoji graph ideographic lower lowercase math print space unknown upper \
    uppercase whitespace word xdigit zzzz";

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | ' ' | '-')).collect::<String>().to_ascii_lowercase()
}

/// What stands in the braces, or the one letter without them.
pub(super) fn is_unknown(name: &str) -> bool {
    let name = name.strip_prefix('^').unwrap_or(name);
    let has = |words: &str, word: &str| words.split_whitespace().any(|known| plain(known) == word);
    let wanted = plain(name);
    let is_known = |word: &str| has(CATEGORIES, word) || has(SCRIPTS, word);
    if is_known(&wanted) {
        return false;
    }
    let of_java = ["is", "in"].iter().filter_map(|start| wanted.strip_prefix(start)).any(is_known);
    let is_slip = || SCRIPTS.split_whitespace().any(|known| is_misspelt(name, known));
    wanted.len() <= 2
        || of_java
        || has(OF_OTHERS, &wanted)
        || !wanted.chars().all(|c| c.is_ascii_alphanumeric())
        || is_slip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_is_no_class_is_unknown() {
        for good in ["L", "lu", "Greek", "^Latin", "Old_Italic", "Any", "Nd", "Letter", "Some_New_Script"] {
            assert!(!is_unknown(good), "{good}");
        }
        for bad in ["", "Q", "Pq", "Greec", "IsGreek", "Script=Greek", "L&", "Alphabetic", "White_Space"] {
            assert!(is_unknown(bad), "{bad}");
        }
    }
}
