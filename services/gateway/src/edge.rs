//! The gateway as an edge.

use contracts::topology::Service;
use desk::Edge;

/// Desks that speak HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Gateway;

impl Edge for Gateway {
    const SERVICE: Service = Service::Gateway;
}
