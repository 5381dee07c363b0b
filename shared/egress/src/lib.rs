//! The only outgoing HTTP client of the edges: every address is checked and the checked one is
//! connected to, redirects are checked again, sizes and times are bounded.

mod address;
mod call;
mod client;
mod connector;
mod error;
mod lookup;
mod places;
mod redirect;
mod response;
mod retry;
mod settings;
mod tls;
mod url;
mod working;

pub use ::url::Url;
pub use bytes::Bytes;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use ipnet::IpNet;

pub use self::address::AddressClass;
pub use self::call::{Body, HttpCall};
pub use self::client::Egress;
pub use self::error::{Error, Phase, ProtocolFault, SetupError, Size, TlsFault};
pub use self::lookup::{Addresses, Lookup, SystemLookup};
pub use self::redirect::{RedirectFault, Redirects};
pub use self::response::Response;
pub use self::retry::{RetrySchedule, retry_after};
pub use self::settings::{EgressSettings, Ports, checked};
pub use self::tls::config as tls_config;
pub use self::url::UrlFault;
pub use self::working::Working;
