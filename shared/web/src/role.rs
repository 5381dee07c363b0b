//! What a person may do in their account.

/// What somebody of the account may do here: each what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaffRole {
    /// Reads tickets and writes internal notes.
    LightAgent,
    /// Works on tickets.
    Agent,
    /// Makes and ends agreements, settings, people.
    Admin,
}

impl StaffRole {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Agent, Self::LightAgent];

    /// As it is kept.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LightAgent => "light_agent",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Of what is kept.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_may_all_and_a_light_agent_least() {
        assert!(StaffRole::Admin > StaffRole::Agent && StaffRole::Agent > StaffRole::LightAgent);
        for role in StaffRole::ALL {
            assert_eq!(StaffRole::of_word(role.word()), Some(role));
        }
        assert_eq!(StaffRole::of_word("owner"), None);
    }
}
