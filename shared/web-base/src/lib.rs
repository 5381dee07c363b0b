#![doc = include_str!("../README.md")]

pub mod assets;
pub mod headers;
pub mod html;
pub mod origin;
pub mod parts;

pub use html::Html;
