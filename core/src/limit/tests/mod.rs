mod conformance;
mod properties;
mod restart;
mod speed;
