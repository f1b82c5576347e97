//! Times of a week, a month and a year, as Alertmanager writes them: each alone, or two with a colon between them.

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// So many days has a month at least.
const SHORTEST: i64 = 28;

/// One or two of a kind, the second one not before the first.
fn is_range(text: &str, one: impl Fn(&str) -> Option<i64>) -> bool {
    match text.split_once(':') {
        None => one(text).is_some(),
        Some((first, last)) => one(first).zip(one(last)).is_some_and(|(first, last)| first <= last),
    }
}

fn place(words: &[&str], word: &str) -> Option<i64> {
    let at = words.iter().position(|known| known.eq_ignore_ascii_case(word))?;
    i64::try_from(at + 1).ok()
}

pub(super) fn is_weekday(text: &str) -> bool {
    is_range(text, |word| place(&DAYS, word))
}

pub(super) fn is_month(text: &str) -> bool {
    // Any number is taken, and one of no month never comes.
    is_range(text, |word| place(&MONTHS, word).or_else(|| word.parse().ok()))
}

/// From its end with a sign: `-1` is the last one.
pub(super) fn is_day_of_month(text: &str) -> bool {
    let day = |word: &str| word.parse::<i64>().ok().filter(|day| *day != 0 && day.abs() <= 31);
    match text.split_once(':') {
        // Which of the two comes first depends on the month: it must be right in the shortest one.
        Some((first, last)) if first.starts_with('-') != last.starts_with('-') => {
            let days = day(first).zip(day(last));
            days.is_some_and(|(first, last)| first > 0 && first <= SHORTEST + last)
        }
        _ => is_range(text, day),
    }
}

pub(super) fn is_year(text: &str) -> bool {
    is_range(text, |word| word.parse().ok())
}

/// `08:00`, up to `24:00`.
pub(super) fn is_time_of_day(text: &str) -> bool {
    let number = |part: &str| -> Option<u8> {
        let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| part.parse().ok())?
    };
    let Some((hour, minute)) = text.split_once(':') else { return false };
    let time = number(hour).zip(number(minute));
    time.is_some_and(|(hour, minute)| (hour < 24 && minute < 60) || (hour, minute) == (24, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_year_is_told_from_what_is_none() {
        assert!(is_weekday("Monday:friday") && is_weekday("sunday") && !is_weekday("mon"));
        assert!(!is_weekday("friday:monday") && !is_weekday("monday-friday") && !is_weekday(""));
        assert!(is_month("1") && is_month("May:september") && is_month("5:december"));
        assert!(is_month("13") && !is_month("may:1") && !is_month("sept"));
        assert!(is_day_of_month("1:5") && is_day_of_month("-3:-1") && is_day_of_month("5:-1"));
        assert!(is_day_of_month("27:-1") && !is_day_of_month("28:-1") && !is_day_of_month("1:-28"));
        assert!(!is_day_of_month("0") && !is_day_of_month("32") && !is_day_of_month("-1:-3"));
        assert!(is_year("2026:2027") && !is_year("2027:2026") && !is_year("next"));
        assert!(is_time_of_day("08:00") && is_time_of_day("24:00"));
        assert!(
            !is_time_of_day("8:00")
                && !is_time_of_day("24:01")
                && !is_time_of_day("9am")
                && !is_time_of_day("+8:00")
        );
    }
}
