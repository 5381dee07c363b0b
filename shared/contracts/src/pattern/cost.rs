//! What it costs to read a pattern, looked at before its classes are built: the alphabet's are
//! large, and without regard to case each of their letters is looked up.

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, Ast, Visitor, visit};

use super::PatternProblem;

/// What one pattern may cost, in classes of the alphabet.
const BUDGET: u32 = 64;
/// What such a class costs where case makes no difference.
const CASELESS: u32 = 16;

/// Refuses a pattern that would cost too much.
pub(super) fn check(pattern: &str, nested: u32) -> Result<(), PatternProblem> {
    let ast = ParserBuilder::new()
        .nest_limit(nested)
        .build()
        .parse(pattern)
        .map_err(|error| PatternProblem::Unreadable(error.kind().to_string()))?;
    let classes = visit(&ast, Classes { count: 0, is_caseless: false })?;
    let each = if classes.is_caseless { CASELESS } else { 1 };
    if classes.count.saturating_mul(each) > BUDGET {
        return Err(PatternProblem::Classes);
    }
    Ok(())
}

struct Classes {
    count: u32,
    is_caseless: bool,
}

impl Classes {
    fn see(&mut self, flags: &ast::Flags) {
        self.is_caseless |= flags.flag_state(ast::Flag::CaseInsensitive) == Some(true);
    }
}

impl Visitor for Classes {
    type Output = Self;
    type Err = PatternProblem;

    fn finish(self) -> Result<Self, PatternProblem> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), PatternProblem> {
        match ast {
            Ast::Flags(set) => self.see(&set.flags),
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    self.see(flags);
                }
            }
            Ast::ClassUnicode(_) | Ast::ClassPerl(_) => self.count += 1,
            // Whatever is left out of the alphabet leaves nearly all of it.
            Ast::ClassBracketed(class) => self.count += u32::from(class.negated),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), PatternProblem> {
        match item {
            ast::ClassSetItem::Unicode(_) | ast::ClassSetItem::Perl(_) => self.count += 1,
            ast::ClassSetItem::Bracketed(class) => self.count += u32::from(class.negated),
            ast::ClassSetItem::Range(range) => {
                self.count += u32::from(range.end.c as u32 - range.start.c as u32 > 1_000);
            }
            _ => {}
        }
        Ok(())
    }
}
