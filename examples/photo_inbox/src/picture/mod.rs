//! Decodes pictures that strangers sent, and makes smaller ones of them.
//!
//! It knows neither tasks nor files, so that what is said about sizes, orientation and hostile input
//! can be tested by itself. Whatever it refuses, it refuses for ever: the same bytes fail the same
//! way, so a retry is no use.

mod decode;
mod dimensions;
mod encode;

#[cfg(test)]
mod tests;

pub(crate) use decode::Picture;
pub(crate) use dimensions::Dimensions;
pub(crate) use encode::Encoding;

/// How long the longest side of each thumbnail is, unless the picture is smaller.
pub(crate) const LONGEST_SIDES: [u32; 3] = [160, 480, 1280];
