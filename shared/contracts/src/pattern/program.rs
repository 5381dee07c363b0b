//! A pattern as steps over characters, and all ways through them at once (Thompson): a text is read
//! once, whatever the pattern.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use regex_syntax::try_is_word_character;

use super::Match;

/// Steps of one pattern; `.{0,500}` has a thousand.
pub(super) const STEPS: usize = 4_000;
/// Steps that all ways through one text may take together: under a second.
const WORK: usize = 20_000_000;

type Characters = Arc<[RangeInclusive<char>]>;

#[derive(Clone, Debug)]
enum Step {
    /// Takes one of these characters.
    Take(Characters, usize),
    /// Goes on where the place is such.
    Look(Look, usize),
    /// Goes on both ways.
    Fork(usize, usize),
    /// The pattern is at its end.
    End,
}

/// All steps; the ways begin at `start`.
#[derive(Clone, Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    start: usize,
}

impl Program {
    /// Nothing where there would be too many steps.
    pub(super) fn compile(hir: &Hir) -> Option<Self> {
        let mut program = Self { steps: vec![Step::End], start: 0 };
        program.start = program.add(hir, 0)?;
        Some(program)
    }

    /// Puts a part of the pattern before the step `next`; returns where it begins.
    fn add(&mut self, hir: &Hir, next: usize) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                text.chars().rev().try_fold(next, |next, letter| {
                    self.push(Step::Take(Arc::new([letter..=letter]), next))
                })
            }
            HirKind::Class(class) => self.push(Step::Take(characters(class), next)),
            HirKind::Look(look) => self.push(Step::Look(*look, next)),
            HirKind::Capture(capture) => self.add(&capture.sub, next),
            HirKind::Concat(parts) => {
                parts.iter().rev().try_fold(next, |next, part| self.add(part, next))
            }
            HirKind::Alternation(branches) => {
                let starts = branches.iter().map(|branch| self.add(branch, next));
                let starts: Vec<usize> = starts.collect::<Option<_>>()?;
                let mut starts = starts.into_iter();
                let first = starts.next()?;
                starts.try_fold(first, |one, other| self.push(Step::Fork(one, other)))
            }
            HirKind::Repetition(repetition) => self.repeat(repetition, next),
        }
    }

    fn repeat(&mut self, repetition: &Repetition, next: usize) -> Option<usize> {
        // One class for all its copies.
        let class = match repetition.sub.kind() {
            HirKind::Class(class) => Some(characters(class)),
            _ => None,
        };
        let copy = |program: &mut Self, next| match &class {
            Some(characters) => program.push(Step::Take(Arc::clone(characters), next)),
            None => program.add(&repetition.sub, next),
        };
        let mut start = match repetition.max {
            None => {
                let fork = self.push(Step::Fork(next, next))?;
                let again = copy(self, fork)?;
                self.steps[fork] = Step::Fork(again, next);
                fork
            }
            Some(max) => {
                let mut start = next;
                for _ in repetition.min..max {
                    let once = copy(self, start)?;
                    start = self.push(Step::Fork(once, next))?;
                }
                start
            }
        };
        for _ in 0..repetition.min {
            let before = copy(self, start)?;
            if before == start {
                break;
            }
            start = before;
        }
        Some(start)
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        if self.steps.len() > STEPS {
            return None;
        }
        self.steps.push(step);
        Some(self.steps.len() - 1)
    }

    /// Bytes it takes. A class that several steps share counts once.
    pub(super) fn bytes(&self) -> usize {
        let classes: BTreeMap<_, usize> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Take(class, _) => Some((class.as_ptr(), size_of_val(&**class))),
                Step::Look(..) | Step::Fork(..) | Step::End => None,
            })
            .collect();
        size_of_val(&*self.steps) + classes.values().sum::<usize>()
    }

    /// Whether a way leads from the beginning of the text to its end.
    pub(super) fn matches(&self, text: &str) -> Match {
        let mut ways = Ways { at: Vec::new(), seen: vec![0; self.steps.len()], round: 0, work: 0 };
        let mut letters = text.chars().peekable();
        let mut here = vec![self.start];
        let mut before = None;
        loop {
            let after = letters.peek().copied();
            if !ways.follow(self, here.drain(..), before, after) {
                return Match::TooLong;
            }
            let Some(letter) = letters.next() else { break };
            let takes = ways.at.iter().filter_map(|at| match &self.steps[*at] {
                Step::Take(characters, next) if is_one_of(letter, characters) => Some(*next),
                _ => None,
            });
            here.extend(takes);
            if here.is_empty() {
                return Match::No;
            }
            before = Some(letter);
        }
        let is_at_the_end = ways.at.iter().any(|at| matches!(self.steps[*at], Step::End));
        if is_at_the_end { Match::Yes } else { Match::No }
    }
}

/// The steps that all ways have come to.
struct Ways {
    at: Vec<usize>,
    seen: Vec<usize>,
    round: usize,
    work: usize,
}

impl Ways {
    /// Goes on from `starts` as far as no character is needed; false when it took too long.
    fn follow(
        &mut self,
        program: &Program,
        starts: impl Iterator<Item = usize>,
        before: Option<char>,
        after: Option<char>,
    ) -> bool {
        self.round += 1;
        self.at.clear();
        let mut open: Vec<usize> = starts.collect();
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut self.seen[at], self.round) == self.round {
                continue;
            }
            self.work += 1;
            match &program.steps[at] {
                Step::Take(..) | Step::End => self.at.push(at),
                Step::Fork(one, other) => open.extend([*one, *other]),
                Step::Look(look, next) if is_such(*look, before, after) => open.push(*next),
                Step::Look(..) => {}
            }
        }
        self.work <= WORK
    }
}

fn characters(class: &Class) -> Characters {
    match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|range| range.start()..=range.end()).collect()
        }
        // Only of ASCII: the parser lets nothing else into text.
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .map(|range| char::from(range.start())..=char::from(range.end()))
            .collect(),
    }
}

fn is_one_of(letter: char, characters: &[RangeInclusive<char>]) -> bool {
    let at = characters.partition_point(|range| *range.end() < letter);
    characters.get(at).is_some_and(|range| range.contains(&letter))
}

/// Whether the place between two characters is what is looked for.
fn is_such(look: Look, before: Option<char>, after: Option<char>) -> bool {
    let ascii = |letter: Option<char>| {
        letter.is_some_and(|letter| letter == '_' || letter.is_ascii_alphanumeric())
    };
    let word = |letter: Option<char>| {
        letter.is_some_and(|letter| try_is_word_character(letter).unwrap_or(false))
    };
    match look {
        Look::Start => before.is_none(),
        Look::End => after.is_none(),
        Look::StartLF => matches!(before, None | Some('\n')),
        Look::EndLF => matches!(after, None | Some('\n')),
        Look::StartCRLF => match before {
            None | Some('\n') => true,
            Some('\r') => after != Some('\n'),
            Some(_) => false,
        },
        Look::EndCRLF => match after {
            None | Some('\r') => true,
            Some('\n') => before != Some('\r'),
            Some(_) => false,
        },
        Look::WordAscii => ascii(before) != ascii(after),
        Look::WordAsciiNegate => ascii(before) == ascii(after),
        Look::WordUnicode => word(before) != word(after),
        Look::WordUnicodeNegate => word(before) == word(after),
        Look::WordStartAscii => !ascii(before) && ascii(after),
        Look::WordEndAscii => ascii(before) && !ascii(after),
        Look::WordStartUnicode => !word(before) && word(after),
        Look::WordEndUnicode => word(before) && !word(after),
        Look::WordStartHalfAscii => !ascii(before),
        Look::WordEndHalfAscii => !ascii(after),
        Look::WordStartHalfUnicode => !word(before),
        Look::WordEndHalfUnicode => !word(after),
    }
}
