//! System tests: the whole of Deskmesh on real servers, seen from outside.

mod architecture;
mod processes;
mod reasons;
mod story;
