//! The actors of evertask and their supervision.

#[cfg(not(panic = "unwind"))]
compile_error!(
    "evertask restarts crashed actors by catching their panics; with `panic = \"abort\"` any panic \
     would end the whole process. Remove `panic = \"abort\"` from the Cargo profile."
);

pub mod supervision;
