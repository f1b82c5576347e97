//! skymon turns one typed file, `skymon.yaml`, into a complete monitoring stack, proves it, and keeps it true.
//!
//! ```text
//!  skymon.yaml ──config──▶ Config ──plan──▶ Plan ──artifacts──▶ Artifacts ──output──▶ files on disk
//!    text        as written        as meant     files in memory           atomic, drift-aware
//!                                                       │                        │
//!                                                       └─────▶ Stack ◀──────────┘ any folder
//!                                                                 │
//!                                                              checks ──▶ diagnostics
//! ```
//!
//! `source` knows where each thing was written, `diagnostics` is what every stage reports to, `catalog` is what skymon
//! knows of engines, alerts, programs and receivers. `docs/architecture.md` tells it at length.

// In the order of the flow: a module uses only those above it (tests/layers.rs).
pub mod cores;
pub mod values;
pub mod source;
pub mod diagnostics;
pub mod promql;
pub mod gotemplate;
pub mod http;
pub mod templates;
pub mod forms;
pub mod mounts;
pub mod catalog;
pub mod exposition;
pub mod config;
pub mod plan;
pub mod artifacts;
pub mod output;
pub mod stack;
pub mod checks;
pub mod live;
pub mod private_files;
pub mod users;
pub mod wizard;
pub mod cli;
pub mod commands;
