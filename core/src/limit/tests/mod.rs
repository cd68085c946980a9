mod conformance;
mod memory;
mod properties;
mod restart;
