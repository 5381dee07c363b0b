//! The runtime against a real broker and a real database: the crash table row by row, and each kind
//! of failure.

mod accidents;
mod admission;
mod crash;
mod desk_away;
mod events;
mod failure;
mod flood;
mod forward;
mod harness;
mod malformed;
mod next;
mod operator;
mod parked;
mod replay;
mod retention;
mod secrets;
mod slow;
mod tally;
mod tls;
mod trail;
mod unanswered;
