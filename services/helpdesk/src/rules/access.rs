//! Who may do what in an account.

/// What a person is in their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sets the account up, and does what an agent does.
    Admin,
    /// Works on tickets.
    Agent,
    /// Reads tickets and writes internal notes.
    LightAgent,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Read tickets, write internal notes.
    Note,
    /// Answer publicly, change, open and share tickets.
    Work,
    /// Agreements, people, fields and rules.
    Manage,
}

/// Whether somebody of this role may do it.
#[must_use]
pub fn may(role: Role, act: Act) -> bool {
    match act {
        Act::Note => true,
        Act::Work => role != Role::LightAgent,
        Act::Manage => role == Role::Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_51_only_admins_manage_agreements() {
        for (role, allowed) in [
            (Role::Admin, [true, true, true]),
            (Role::Agent, [true, true, false]),
            (Role::LightAgent, [true, false, false]),
        ] {
            assert_eq!([Act::Note, Act::Work, Act::Manage].map(|act| may(role, act)), allowed);
        }
    }
}
