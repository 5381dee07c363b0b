//! A batch at work: how much of it is decided at once, and what is put off because the database
//! does not come to its end in time. Pure.

/// A message that the database did not decide in time so often, alone, while it decided others, is
/// set aside.
const ATTEMPTS_ALONE: u32 = 3;

/// How many messages are decided in one transaction: all that were fetched, until they take too
/// long. Kept from batch to batch, so that a slow database is asked for less until it is fast
/// again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    size: usize,
    most: usize,
}

impl Portion {
    /// As many as a batch may have.
    pub fn whole(most: usize) -> Self {
        Self { size: most.max(1), most: most.max(1) }
    }

    /// The first of those that are left.
    pub fn of<I>(self, left: &[I]) -> &[I] {
        &left[..self.size.min(left.len())]
    }

    /// They were decided in time: twice as many are tried next.
    pub fn was_decided(&mut self) {
        self.size = (self.size * 2).min(self.most);
    }

    /// So many took too long: half of them are tried next.
    pub fn took_too_long(&mut self, tried: usize) {
        self.size = (tried / 2).max(1);
    }
}

/// What to do with a message that took too long, alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slow {
    /// Others come first.
    PutOff,
    /// Nothing else is left in the batch: after a pause.
    TryAgain,
    /// It is what is slow, and not the database.
    SetAside,
}

/// The messages of a batch in the order in which they are decided, each with its span.
#[derive(Debug)]
pub(crate) struct Batch<I, S> {
    items: Vec<I>,
    spans: Vec<S>,
    /// Of each: attempts alone, and how much the process had decided at the first of them.
    alone: Vec<(u32, u64)>,
    done: usize,
}

impl<I, S> Batch<I, S> {
    /// As they came.
    pub fn of(messages: impl Iterator<Item = (I, S)>) -> Self {
        let (items, spans): (Vec<_>, Vec<_>) = messages.unzip();
        let alone = vec![(0, 0); items.len()];
        Self { items, spans, alone, done: 0 }
    }

    /// How many they are, with those that came to their end.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// What is left, the next one first.
    pub fn left(&self) -> &[I] {
        &self.items[self.done..]
    }

    /// The next ones, so many, with their spans.
    pub fn next(&self, count: usize) -> (&[I], &[S]) {
        let next = self.done..self.done + count;
        (&self.items[next.clone()], &self.spans[next])
    }

    /// The next ones, so many, came to their end.
    pub fn finish(&mut self, count: usize) {
        self.done += count;
    }

    /// The next one took too long, alone; the process has `decided` so many messages by now. Only
    /// when it decided others since the first attempt is the message to blame: a table that is
    /// locked, or a disk that stands still, lets nobody pass.
    pub fn took_too_long(&mut self, decided: u64) -> Slow {
        let Some((attempts, since)) = self.alone.get_mut(self.done) else { return Slow::TryAgain };
        if *attempts == 0 {
            *since = decided;
        }
        *attempts += 1;
        if *attempts >= ATTEMPTS_ALONE && decided > *since {
            return Slow::SetAside;
        }
        if self.left().len() == 1 {
            return Slow::TryAgain;
        }
        let done = self.done;
        self.items[done..].rotate_left(1);
        self.spans[done..].rotate_left(1);
        self.alone[done..].rotate_left(1);
        Slow::PutOff
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(count: usize) -> Batch<usize, usize> {
        Batch::of((0..count).map(|number| (number, number)))
    }

    #[test]
    fn a_portion_is_halved_to_one_and_grows_again() {
        let fetched = [(); 256];
        let mut portion = Portion::whole(256);
        let mut sizes = Vec::new();
        while portion.of(&fetched).len() > 1 {
            portion.took_too_long(portion.of(&fetched).len());
            sizes.push(portion.of(&fetched).len());
        }
        assert_eq!(sizes, [128, 64, 32, 16, 8, 4, 2, 1]);
        portion.took_too_long(1);
        assert_eq!(portion.of(&fetched).len(), 1);
        portion.was_decided();
        portion.was_decided();
        assert_eq!((portion.of(&fetched).len(), portion.of(&fetched[..3]).len()), (4, 3));
        (0..20).for_each(|_| portion.was_decided());
        assert_eq!(portion.of(&fetched).len(), 256);
    }

    #[test]
    fn who_is_slow_while_others_are_decided_is_set_aside_at_the_third_attempt() {
        let mut batch = batch(3);
        assert_eq!(batch.took_too_long(10), Slow::PutOff);
        assert_eq!(batch.left(), [1, 2, 0]);
        batch.finish(2);
        assert_eq!(batch.took_too_long(12), Slow::TryAgain);
        assert_eq!(batch.took_too_long(12), Slow::SetAside);
    }

    #[test]
    fn while_nothing_is_decided_at_all_nobody_is_set_aside() {
        let (mut two, mut one) = (batch(2), batch(1));
        for _ in 0..20 {
            assert_eq!(two.took_too_long(7), Slow::PutOff);
            assert_eq!(one.took_too_long(7), Slow::TryAgain);
        }
    }

    proptest! {
        #[test]
        fn each_message_comes_to_its_end_once(slow in prop::collection::vec(any::<bool>(), 1..20)) {
            let mut batch = batch(slow.len());
            let (mut ended, mut decided) = (Vec::new(), 0);
            while let Some(&next) = batch.left().first() {
                if !slow[next] || batch.took_too_long(decided) == Slow::SetAside {
                    let (items, spans) = batch.next(1);
                    prop_assert_eq!(items, spans);
                    ended.push(next);
                    batch.finish(1);
                }
                // Other slots work too.
                decided += 1;
            }
            ended.sort_unstable();
            prop_assert_eq!(ended, (0..slow.len()).collect::<Vec<_>>());
        }
    }
}
